"""Text and JSON from models: made safe for every database, parsed without surprises."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from ..types import JSON

MAX_JSON_CHARACTERS = 1_048_576
"""Longest JSON text that is parsed: parsing holds the GIL, about 15 ms for as much as this."""

MAX_DIGITS = 300
"""Longest integer in JSON, in characters: longer ones cost much to parse and to compare."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSAFE = re.compile("[\x00\ud800-\udfff]")
_UNSAFE_TEXT = re.compile("[\x00\ud800-\udfff]|\\\\u(?:0000|[dD][89a-fA-F])")
"""Escapes in JSON of characters that are unsafe."""


def scrub(text: str) -> str:
    """The text without what no database takes: NUL is dropped, half a surrogate pair becomes U+FFFD."""
    return _UNSAFE.sub(lambda found: "" if found.group() == "\x00" else "\N{REPLACEMENT CHARACTER}", text)


def whole_pairs(text: str) -> str:
    """The text with surrogate halves that belong together joined."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


class PairJoiner:
    """Joins surrogate pairs whose halves arrive in different pieces of a text."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """Take a piece; a first half at its end waits for the next piece."""
        text = self._half + text
        self._half = text[-1] if text and "\ud800" <= text[-1] <= "\udbff" else ""
        return whole_pairs(text[: len(text) - len(self._half)])

    def finish(self) -> str:
        """Return the half that stayed alone."""
        half, self._half = self._half, ""
        return half


def scrub_json(value: JSON) -> JSON:
    """The same for every string in a JSON value, keys included."""
    match value:
        case str():
            return scrub(value)
        case list():
            return [scrub_json(item) for item in value]
        case dict():
            return {scrub(key): scrub_json(item) for key, item in value.items()}
        case _:
            return value


def parse_json(text: str) -> JSON:
    """Return the value of strict JSON, scrubbed.

    :raises ValueError: when it is none, is too long or nested too deeply, or holds NaN, Infinity or a number
        beyond all use.
    """
    value, end = _decoded(text, _start(text, 0))
    if (end := _start(text, end)) != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def parse_json_at(text: str, start: int) -> tuple[JSON, int]:
    """Return the value that begins in the middle of a text, and where it ends. Raises what ``parse_json`` does."""
    return _decoded(text, start)


def _decoded(text: str, start: int) -> tuple[JSON, int]:
    if len(text) > MAX_JSON_CHARACTERS:
        raise ValueError(f"it has {len(text)} characters, more than {MAX_JSON_CHARACTERS}")
    try:
        value, end = _DECODER.raw_decode(text, start)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    # Walking the whole value takes far longer than this search.
    return (scrub_json(value) if _UNSAFE_TEXT.search(text) else value), end


def _start(text: str, start: int) -> int:
    while start < len(text) and text[start] in " \t\r\n":
        start += 1
    return start


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    if math.isinf(value := float(text)):
        raise ValueError(f"{text[:20]} is too large a number")
    return value


def _bounded(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"{text[:20]}... is too large a number")
    return int(text)


def dump_json(value: Any) -> str:
    """Compact JSON; what JSON does not know is told as text."""
    return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, parse_int=_bounded)
