"""Providers that keep an execution waiting: ``(name, behaviour, whether it is asked for a stream)``."""

from __future__ import annotations

from upstream import body_of, endless_stream, hang, headers_only, say, stall, status, trickle
from upstream.server import Behaviour

PROVIDERS: tuple[tuple[str, Behaviour, bool], ...] = (
    ("a byte every five seconds", trickle(5), False),
    ("a byte every five seconds, streamed", trickle(5), True),
    ("a byte every 50 ms", trickle(0.05), False),
    ("nothing", hang(), False),
    ("nothing, streamed", hang(), True),
    ("headers alone", headers_only(), False),
    ("half a stream, then nothing", stall(), True),
    ("a slow stream", say("word " * 500, delay=0.2), True),
    ("an endless stream", endless_stream(), True),
    ("as much as is read", body_of(7_000_000), False),
    ("come back later", status(429, retry_after=20), False),
    ("an error after a while", status(503), False),
)
