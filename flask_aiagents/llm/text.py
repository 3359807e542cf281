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

_UNSAFE = re.compile("[\x00\ud800-\udfff]")
_UNSAFE_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)


def scrub(text: str) -> str:
    """The text without what no database takes: NUL is dropped, half a surrogate pair becomes U+FFFD."""
    return _UNSAFE.sub(lambda found: "" if found.group() == "\x00" else "\N{REPLACEMENT CHARACTER}", text)


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
    """Strict JSON, scrubbed; also inside the code fence that many models put around it.

    :raises ValueError: when it is none, is too long or nested too deeply, or holds NaN, Infinity or a number
        beyond all use.
    """
    if len(text) > MAX_JSON_CHARACTERS:
        raise ValueError(f"it has {len(text)} characters, more than {MAX_JSON_CHARACTERS}")
    fenced = _FENCE.match(text)
    plain = scrub(fenced.group(1) if fenced else text)
    try:
        value = json.loads(plain, parse_constant=_refuse, parse_float=_finite, parse_int=_bounded)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    # What is unsafe can still stand in it as an escape; walking the whole value takes far longer than this search.
    return scrub_json(value) if _UNSAFE_ESCAPE.search(plain) else value


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
