"""Bodies that take long to parse, to check or to refuse: ``(name, path, body)``."""

from __future__ import annotations

from collections.abc import Iterator

MB = 1_000_000

LOGS = "/ai_agent_activity_logs"
AGENTS = "/ai_agents"

RAW: tuple[tuple[str, bytes], ...] = (
    ("empty arrays", b"[" + b"[]," * (9 * MB // 3) + b"[]]"),
    ("empty objects", b"[" + b"{}," * (9 * MB // 3) + b"{}]"),
    ("small numbers", b"[" + b"1," * (MB // 2) + b"1]"),
    ("floats", b"[" + b"1.5," * (MB // 4) + b"1.5]"),
    ("numbers of 5,000 digits", b"[" + b",".join([b"9" * 5_000] * 180) + b"]"),
    ("numbers of 299 digits", b"[" + b",".join([b"9" * 299] * 3_000) + b"]"),
    ("short strings", b"[" + b'"a",' * (MB // 4) + b'"a"]'),
    ("escapes", b'["' + rb"\u00e9" * (MB // 6) + b'"]'),
    ("escaped strings", b"[" + rb'"\u00e9",' * 90_000 + b'"a"]'),
    ("different keys", b"{" + b",".join(b'"k%d":1' % n for n in range(90_000)) + b"}"),
    ("one key again and again", b"{" + b",".join([b'"k":1'] * 90_000) + b"}"),
    ("arrays in arrays", b"[" * (MB // 2) + b"]" * (MB // 2)),
    ("objects in objects", b'{"a":' * 160_000 + b"1" + b"}" * 160_000),
    ("arrays as deep as is allowed", b"[" + b",".join([b"[" * 63 + b"]" * 63] * 450) + b"]"),
    ("a string that never ends", b'"' + b"\\" * (MB - 10)),
    ("one long string", b'"' + b"a" * (9 * MB) + b'"'),
    ("half surrogates", b"[" + rb'"\ud800",' * 90_000 + b'"a"]'),
    ("brackets in a string", b'{"input": "' + b"[{" * (MB // 3) + b'"}'),
)


def all_bodies() -> Iterator[tuple[str, str, bytes]]:
    """Each body at the route that takes the largest ones, and some at others."""
    for name, body in RAW:
        yield f"{name} as logs", LOGS, body
    for name, body in RAW[::3]:
        yield f"{name} as an agent", AGENTS, body
        yield f"{name} as an input", f"{AGENTS}/{{agent}}/execute", body
