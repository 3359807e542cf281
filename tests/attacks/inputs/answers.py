"""Answers of a provider that take long to read, or hold too much to keep."""

from __future__ import annotations

import json
from typing import Any

MB = 1_000_000


def _json(message: Any, **more: Any) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"id": "1", "object": "chat.completion", "choices": [choice], **more}).encode()


def _text(text: str) -> bytes:
    return _json({"role": "assistant", "content": text})


def _tool(index: int, arguments: str, **more: Any) -> dict[str, Any]:
    return {"index": index, "function": {"name": "t", "arguments": arguments}, **more}


def _events(*deltas: Any, times: int = 1) -> bytes:
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) * times


def _calls(count: int, arguments: str = "{}") -> bytes:
    calls = [
        {"id": f"c{n}", "type": "function", "function": {"name": "t", "arguments": arguments}}
        for n in range(count)
    ]
    return _json({"role": "assistant", "content": None, "tool_calls": calls})


def _indexes(count: int) -> bytes:
    return _events(*({"tool_calls": [_tool(n, "{}", id=f"c{n}")]} for n in range(count)))


def _names(count: int) -> bytes:
    """A tool's name in that many pieces, each unlike the one before."""
    return _events(*({"tool_calls": [{"index": 0, "function": {"name": f"{n:05}" * 30}}]} for n in range(count)))


_CHOICE = {"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}


def all_answers() -> tuple[tuple[str, bytes, bool], ...]:
    """Return ``(name, body, whether it is a stream)``, each below the limit of bytes; together 100 MB."""
    return (
        ("60,000 tool calls", _calls(60_000), False),
        ("50,000 tool calls of an index each", _indexes(50_000), True),
        ("a name in 30,000 pieces", _names(30_000), True),
        ("80,000 choices", json.dumps({"choices": [_CHOICE] * 80_000}).encode(), False),
        ("200,000 parts", _json({"content": [{"type": "text", "text": "x"}] * 200_000}), False),
        ("deep arguments", _calls(1, "[" * 500_000), False),
        ("a deep body", b'{"choices": ' + b"[" * 500_000, False),
        ("400,000 keys", _json({"content": "x"}, **{f"k{n}": n for n in range(400_000)}), False),
        ("a number of 5,000 digits", b'{"created": ' + b"9" * 5_000 + b", " + _text("x")[1:], False),
        ("a fence that never ends", _text("```" + "\n" * 6_000), False),
        ("a fence and blanks", _text("```json" + " \n" * 300_000 + "x"), False),
        ("tags without end", _text("<think>" * 500_000), False),
        ("half tags without end", _text("<thi" * MB), False),
        ("seven million escapes", _text("\0" * MB), False),
        ("surrogates", b'{"choices": [{"message": {"content": "' + b"\\ud83d" * MB + b'"}}]}', False),
        ("a line without end", b"data: " + b"x" * (7 * MB), True),
        ("empty lines", b"\n" * (7 * MB), True),
        ("comments", b": x\n" * (2 * MB - 1), True),
        ("empty events", b"data: {}\n\n" * 700_000, True),
        ("events of one letter", _events({"content": "x"}, times=90_000), True),
        ("a tag in pieces", _events({"content": "<"}, {"content": "think"}, {"content": ">"}, times=30_000), True),
        ("arguments in pieces", _events({"tool_calls": [_tool(0, "x")]}, times=60_000), True),
        ("an index of a billion", _events({"tool_calls": [_tool(10**9, "{}", id="a")]}), True),
    )  # fmt: skip
