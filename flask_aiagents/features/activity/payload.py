"""What a log keeps of a request or an answer: at most 64 KB, and nothing that a database refuses."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from ...llm.text import scrub
from ...types import JSON

MAX_BYTES = 65_536
"""Longest payload, as JSON."""

_TOO_DEEP = "(nested too deeply to keep)"

_encode = json.JSONEncoder(allow_nan=False).encode


def bounded(value: JSON) -> JSON:
    """The value itself, or its beginning and its size where it is too long.

    Never fails: a log is worth more than the exact shape of something odd in it.
    """
    if value is None:
        return None
    try:
        text = _encode(value)
    except (TypeError, ValueError, RecursionError):
        text = None
    if text is None or "\\u0000" in text or "\\ud" in text:
        value = _tamed(value)
        text = _encode(value)
    if len(text) <= MAX_BYTES:
        return value
    return {"truncated": True, "bytes": len(text), "head": text[: MAX_BYTES // 2]}


def clipped(text: str | None, length: int) -> str | None:
    """A word that fits its column."""
    if text is None or (len(text) <= length and text.isprintable()):
        return text
    return scrub(text)[:length]


def _tamed(value: Any) -> JSON:
    try:
        return _plain(value)
    except RecursionError:
        return _TOO_DEEP


def _plain(value: Any) -> JSON:
    """JSON without NUL, half characters, NaN and Infinity; what JSON does not know is told as text."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return scrub(value)
        case Mapping():
            return {scrub(str(key)): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return scrub(str(value))
