"""Activity that fills the database or keeps its writers busy: ``(name, value)``."""

from __future__ import annotations

from typing import Any

LOG = {"action": "import"}

FULL = LOG | {"duration_ms": 1, "model": "m", "provider": "p", "error": "e"}

ABSENT = "0000-7000-8000-000000000000"

POSTS: tuple[tuple[str, Any], ...] = (
    ("ten thousand rows", [LOG] * 10_000),
    (
        "ten thousand rows of ten fields",
        [FULL] * 10_000,
    ),
    ("a payload of a megabyte", LOG | {"request_data": {"text": "x" * 1_000_000}}),
    ("payloads of 60 KB", [LOG | {"request_data": {"text": "x" * 60_000}}] * 30),
    ("many payloads of 1 KB", [LOG | {"request_data": {"text": "x" * 1_000}}] * 1_800),
    ("payloads of many keys", [LOG | {"request_data": {f"k{n}": n for n in range(300)}}] * 100),
    ("deep payloads", [LOG | {"request_data": [[[[[[[[[["a"]]]]]]]]]]}] * 2_000),
    ("ten thousand actions", [{"action": f"a{n}"} for n in range(10_000)]),
    ("ten thousand models", [LOG | {"model": f"model-{n}"} for n in range(10_000)]),
    (
        "thousands of agents that do not exist",
        [LOG | {"agent_id": f"{n:08x}-{ABSENT}"} for n in range(9_000)],
    ),
    ("ten thousand wrong rows", [{"action": "Not an action!"}] * 10_000),
    ("thousands of unknown names", [LOG | {f"modl{n}x{k}": 1 for k in range(8)} for n in range(8_000)]),
    ("one row", LOG),
    ("a hundred rows", [LOG] * 100),
    ("largest numbers", [LOG | {"duration_ms": 2**53, "tokens_used": 2**53}] * 5_000),
)
