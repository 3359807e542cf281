"""Text and JSON from models: made safe for every database, parsed without surprises."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from ..types import JSON

_UNSAFE = re.compile("[\x00\ud800-\udfff]")
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

    :raises ValueError: when it is none, holds NaN or Infinity, or is nested too deeply.
    """
    fenced = _FENCE.match(text)
    try:
        return scrub_json(json.loads(fenced.group(1) if fenced else text, parse_constant=_refuse))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def dump_json(value: Any) -> str:
    """Compact JSON; what JSON does not know is told as text."""
    return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))
