"""Answers that take long, each asked for by many users that do not exist: ``(name, path)``."""

from __future__ import annotations

LOGS = "/ai_agent_activity_logs"

STREAMS: tuple[tuple[str, str], ...] = (
    ("the log", f"{LOGS}/stream"),
    ("the log of an action", f"{LOGS}/stream?action=eq.execute"),
    ("the log of a pattern", f"{LOGS}/stream?request_data->>input=like.*aaaaaaaa*b*"),
    ("the log that never fits", f"{LOGS}/stream?action=eq.nothing"),
    ("the log from a token", f"{LOGS}/stream?last_event_id=00000000-0000-7000-8000-000000000000"),
    ("the log of many conditions", f"{LOGS}/stream?or=(" + ",".join(["status.eq.error"] * 40) + ")"),
)
"""Streams that stay open."""

EXPORTS: tuple[tuple[str, str], ...] = (
    ("everything", f"{LOGS}/export?format=jsonl"),
    ("everything as CSV", f"{LOGS}/export"),
    ("everything in another order", f"{LOGS}/export?order=action.desc,status"),
    ("a pattern", f"{LOGS}/export?request_data->>input=like.*aaaaaaaa*b*"),
    ("nothing", f"{LOGS}/export?action=eq.nothing"),
    ("few columns", f"{LOGS}/export?format=jsonl&select=id"),
)
"""Exports that are read, slowly or not at all."""
