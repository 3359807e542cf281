"""A provider on loopback: a real HTTP server that speaks the providers' protocols, and misbehaves on demand.

::

    with Upstream() as upstream:
        upstream.answer("Hello", usage=Tokens(input=11, output=7))      # from now on
        upstream.script(status(429, retry_after=1), say("Hello"))       # for the next two requests
        ...
        assert upstream.requests[0].json["model"] == "gpt-4o-mini"
"""

from __future__ import annotations

from .behaviours import (
    body_of,
    broken,
    endless_stream,
    half_stream,
    hang,
    headers_only,
    raw,
    redirect,
    reset,
    say,
    stall,
    status,
    trickle,
    truncated,
)
from .protocols import Call, Tokens
from .server import Upstream

__all__ = [
    "Call",
    "Tokens",
    "Upstream",
    "body_of",
    "broken",
    "endless_stream",
    "half_stream",
    "hang",
    "headers_only",
    "raw",
    "redirect",
    "reset",
    "say",
    "stall",
    "status",
    "trickle",
    "truncated",
]
