"""What providers send: each shape of an answer with what is to be read from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask_aiagents.llm.outcome import Usage


@dataclass(frozen=True)
class Shape:
    """One body and its reading; with ``error`` the kind of failure that it is."""

    name: str
    body: bytes
    text: str = ""
    thinking: str = ""
    tools: tuple[tuple[str, str], ...] = ()
    """Names and arguments."""
    finish: str = "stop"
    usage: Usage | None = None
    error: str | None = None


def data(*values: Any, end: bool = True) -> bytes:
    """Server-sent events without names."""
    events = [f"data: {value if isinstance(value, str) else json.dumps(value)}\n\n" for value in values]
    return "".join([*events, "data: [DONE]\n\n" if end else ""]).encode()


def events(*values: dict[str, Any]) -> bytes:
    """Server-sent events named after their types."""
    return "".join(f"event: {value['type']}\ndata: {json.dumps(value)}\n\n" for value in values).encode()
