"""JSON in and out, by our own rules: the host's JSON provider stays the host's business."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from flask import Request, Response
from werkzeug import exceptions as http

from ..errors import BadRequest, PayloadTooLarge
from ..types import JSON

MAX_DEPTH = 64
"""Deepest nesting of a body."""

MAX_DIGITS = 300
"""Longest number of a body, in characters: beyond the range of a float, short of a cost to parse."""

MAX_VALUES = 100_000
"""Most values of a body, and..."""

MAX_CONTAINERS = 30_000
"""...most objects and arrays: the parser holds the interpreter's lock, so both bound how long all other threads
wait (50 ms). Ten thousand logs of ten fields with two payloads each are admitted."""

PIECE = 20
"""Items of a list that are written as JSON at once, for the same reason: 20 logs with full payloads take 20 ms."""

_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def dumps(value: Any) -> bytes:
    """JSON with times as ``...Z``, money and ids as strings."""
    if type(value) is list and len(value) > PIECE:
        pieces = (_encode(value[start : start + PIECE])[1:-1] for start in range(0, len(value), PIECE))
        return f"[{','.join(pieces)}]".encode()
    return _encode(value).encode()


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A response that nobody caches or sniffs."""
    return json_text_response(dumps(value), status, headers)


def json_text_response(text: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """The same for a value that is JSON text already."""
    return Response(text, status, _HEADERS | (headers or {}), mimetype="application/json")


def empty_response(status: int = 204, headers: dict[str, str] | None = None) -> Response:
    """The same without a body."""
    response = Response(status=status, headers=_HEADERS | (headers or {}))
    del response.headers["Content-Type"]
    return response


def time_text(value: datetime) -> str:
    """ISO 8601 in UTC with ``Z``."""
    return (value if value.tzinfo is UTC else value.astimezone(UTC)).isoformat()[: -len("+00:00")] + "Z"


def read_json(request: Request, max_bytes: int) -> JSON:
    """The body of a request.

    :raises PayloadTooLarge: when it is longer than ``max_bytes``, whether its length was announced or not.
    :raises BadRequest: when it is not JSON, or JSON that no database keeps: NaN, Infinity, NUL, lone surrogates.
    """
    if not request.is_json:
        raise http.UnsupportedMediaType(f"The body is {request.mimetype or 'of no type'}, not JSON.")
    # One more than the limit: a chunked body is cut off there without a word, and counted below. So is one
    # that the host had read before.
    request.max_content_length = max_bytes + 1
    try:
        raw = request.get_data(cache=True)
    except http.RequestEntityTooLarge:
        raw = None
    if raw is None or len(raw) > max_bytes:
        raise PayloadTooLarge(f"The body is larger than {max_bytes} bytes.", hint="Send less at once.")
    return parse_json(raw)


def parse_json(raw: bytes) -> JSON:
    """Strict JSON.

    :raises BadRequest: saying what is wrong and where.
    """
    _refuse_crowd(raw)
    try:
        text = raw.decode("utf-8")
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_bounded)
    except UnicodeDecodeError as error:
        raise BadRequest("The body is not UTF-8.", hint="Encode it as UTF-8.") from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise BadRequest(f"The body is not valid JSON: {error}.", hint="Check its quotes and brackets.") from error
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise _too_deep()
    if "\\u" in text or "\x00" in text:
        _refuse_unstorable(value)
    return value


def _refuse_crowd(raw: bytes) -> None:
    """Bound the parser's work before it begins.

    Commas and brackets are counted wherever they stand, and only those outside of strings if that is too many.
    """
    if not _is_crowded(raw):
        return
    # With so many quotes even finding the strings would take too long.
    if raw.count(b'"') > 4 * MAX_VALUES or _is_crowded(_STRINGS.sub(b"", raw)):
        raise PayloadTooLarge(
            f"The body has more than {MAX_VALUES:,} values, or more than {MAX_CONTAINERS:,} objects and arrays.",
            hint="Send less at once.",
        )


def _is_crowded(raw: bytes) -> bool:
    return raw.count(b",") > MAX_VALUES or raw.count(b"{") + raw.count(b"[") > MAX_CONTAINERS


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    if math.isinf(value := float(text)):
        raise ValueError(f"{text[:20]} is too large a number")
    return value


def _bounded(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"{text[:20]}... is too large a number")
    return int(text)


def _depth(value: JSON) -> int:
    """How many objects and arrays are inside of each other; level by level and without recursion."""
    depth, level = 0, _nested([value])
    while level and depth <= MAX_DEPTH:
        depth += 1
        level = [inner for item in level for inner in _nested(item)]
    return depth


def _nested(item: Any) -> list[Any]:
    values = item.values() if type(item) is dict else item
    return [value for value in values if type(value) is dict or type(value) is list]


def _too_deep() -> BadRequest:
    return BadRequest(f"The body is nested deeper than {MAX_DEPTH} levels.", hint="Flatten it.")


def _refuse_unstorable(value: JSON) -> None:
    plain = json.dumps(value, ensure_ascii=False)
    try:
        plain.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadRequest("The body has half a surrogate pair.", hint="Send whole characters.") from error
    if "\\u0000" in plain.replace("\\\\", ""):
        raise BadRequest("The body has a NUL character.", hint="Leave NUL characters out.")


def _plain(value: Any) -> str:
    if (plain := _PLAIN.get(type(value))) is None:
        raise TypeError(f"{type(value).__name__} is not JSON")
    return plain(value)


_PLAIN: dict[type, Callable[[Any], str]] = {datetime: time_text, UUID: str, Decimal: "{:f}".format}

_encode = json.JSONEncoder(default=_plain, allow_nan=False, separators=(",", ":")).encode
