"""The validator library behind its own door: compiled without any way to fetch, with linear-time patterns."""

from __future__ import annotations

from jsonschema_rs import Draft202012Validator, RegexOptions, ValidationError

from ..types import JSON, JSONObject
from .text import scrub

PATTERN_BYTES = 65_536
"""Largest compiled pattern. Doubling it doubles the time that the worst pattern takes per character."""


class InvalidSchema(ValueError):
    """The schema cannot be used; the message says why and what to do."""


class Validator:
    """A compiled schema (draft 2020-12). Nothing here bounds the work: :mod:`.json_schema` does.

    :raises InvalidSchema: when it is no JSON Schema, or has a pattern that cannot be used.
    """

    def __init__(self, schema: JSONObject, pattern_bytes: int = PATTERN_BYTES) -> None:
        # Without offline=True the library fetches http: and reads file: references.
        options = RegexOptions(size_limit=pattern_bytes)
        try:
            self._compiled = Draft202012Validator(
                schema, offline=True, validate_formats=False, pattern_options=options
            )
        except ValidationError as error:
            raise InvalidSchema(f"Not a valid JSON Schema: {_described(error)}") from None
        except ValueError as error:
            raise InvalidSchema(f"Not a valid JSON Schema: {scrub(str(error))[:200]}") from None

    def accepts(self, value: JSON) -> bool:
        """Whether a value satisfies the schema."""
        return self._compiled.is_valid(value)

    def problem(self, value: JSON) -> str:
        """The first thing wrong with a value; far slower than :meth:`accepts` when subschemas nest."""
        try:
            self._compiled.validate(value)
        except ValidationError as error:
            return _described(error)
        return "nothing is wrong"


def _described(error: ValidationError) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
    return f"at ${path}: {scrub(error.message)[:200]}"
