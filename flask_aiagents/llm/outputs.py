"""Structured output: parse what a model wrote and check it against the schema."""

from __future__ import annotations

from ..types import JSON, JSONObject
from .json_schema import InvalidValue, compile_schema
from .text import parse_json


class InvalidOutput(ValueError):
    """The model's text does not satisfy the schema."""


def parse_output(text: str, schema: JSONObject) -> JSON:
    """Parse a model's text and check it.

    :raises InvalidOutput: when it is not JSON, or does not satisfy the schema.
    :raises InvalidSchema: when the schema cannot be used.
    """
    checked = compile_schema(schema)
    try:
        value = parse_json(text)
    except ValueError as error:
        raise InvalidOutput(f"it is not JSON ({error})") from None
    try:
        checked.check(value)
    except InvalidValue as error:
        raise InvalidOutput(str(error)) from None
    return value
