"""Structured output: find the JSON in what a model wrote and check it against the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ..types import JSON, JSONObject
from .json_schema import InvalidValue, compile_schema
from .text import parse_json, parse_json_at

MAX_FENCES = 4
"""Code fences in which JSON is looked for."""

MAX_STARTS = 8
"""Opening brackets at which JSON is looked for in a text that is more than JSON."""

MAX_MIXED_CHARACTERS = 131_072
"""Longest text in which it is looked for; each look takes up to 2 ms for as much as this."""

_FENCE = "```"


class InvalidOutput(ValueError):
    """The model's text does not satisfy the schema."""


def parse_output(text: str, schema: JSONObject) -> JSON:
    """Return the value in a model's text that satisfies the schema.

    Prose around the JSON, code fences, closed or not, and a byte order mark are passed over.

    :raises InvalidOutput: when there is no JSON, or none that satisfies the schema.
    :raises InvalidSchema: when the schema cannot be used.
    """
    checked = compile_schema(schema)
    text = text.strip().removeprefix("\ufeff").strip()
    problem: str | None = None
    try:
        values = iter([parse_json(text)])
    except ValueError as error:
        values, not_json = _values_within(text), str(error)
    else:
        not_json = ""
    for value in values:
        try:
            checked.check(value)
            return value
        except InvalidValue as error:
            problem = problem or str(error)
    raise InvalidOutput(problem or f"it is not JSON ({not_json})")


def _values_within(text: str) -> Iterator[JSON]:
    """Yield objects and arrays in a text of more than JSON: in its code fences first, then wherever one begins."""
    if len(text) > MAX_MIXED_CHARACTERS:
        return
    for fenced in text.split(_FENCE)[1 : 2 * MAX_FENCES : 2]:
        try:
            yield parse_json(fenced.lstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))
        except ValueError:
            continue
    start = _next_bracket(text, 0)
    for _ in range(MAX_STARTS):
        if start < 0:
            return
        try:
            value, end = parse_json_at(text, start)
        except json.JSONDecodeError as error:
            if error.pos > start + 1:
                return  # JSON that is broken: its parts are not what was asked for
            end = start + 1
        except ValueError:
            return
        else:
            yield value
        start = _next_bracket(text, end)


def _next_bracket(text: str, start: int) -> int:
    found = [place for bracket in "{[" if (place := text.find(bracket, start)) >= 0]
    return min(found, default=-1)
