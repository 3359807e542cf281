"""JSON Schema (draft 2020-12): compile a schema once, check many values, each within bounded time.

Nothing is ever fetched: the validator is built with ``offline=True``, and references that leave the schema are
refused before.
"""

from __future__ import annotations

from functools import lru_cache

from ..types import JSON, JSONObject
from .json_size import JSONSize
from .schema_cost import Cost
from .schema_engine import InvalidSchema, Validator
from .schema_limits import SchemaBounds, check_limits
from .text import dump_json, parse_json

MAX_DEPTH = 64
"""Most objects and arrays inside of each other in a checked value; the validator crashes on thousands."""

MAX_VALUES = 100_000
"""Most values in a checked value; counting them takes 20 ms at worst."""

BUDGET_NS = 50_000_000
"""Estimated nanoseconds that one check may take at worst. The process's other threads wait for that long."""

_DETAILS_NS = 1_000_000
"""Up to this estimate a refused value is checked again to say what is wrong; that takes far longer at worst."""

_UNIQUE_NS = 500
_ODD_FLOAT_NS = 5_000
_PAIR_NS = 1_000
_LONG_PAIR_NS = 5_000
_WORD_BITS = 64


class InvalidValue(ValueError):
    """The value does not satisfy the schema, or is too large to tell."""


class JSONSchema:
    """A schema that is ready to check values; made by :func:`compile_schema`."""

    def __init__(self, validator: Validator, bounds: SchemaBounds) -> None:
        self._validator = validator
        self._bounds = bounds

    def check(self, value: JSON) -> None:
        """Check a value.

        :raises InvalidValue: saying what is wrong with it, where that is cheap to find.
        """
        estimate = self._estimate(value)
        if not self._validator.accepts(value):
            # Looking for the reason remembers nothing: seconds for a recursive schema and a few levels.
            cheap = estimate <= _DETAILS_NS and not self._bounds.recursive
            raise InvalidValue(self._validator.problem(value) if cheap else "it does not fit the schema")

    def _estimate(self, value: JSON) -> int:
        size = JSONSize.of(value, MAX_VALUES)
        if size.values > MAX_VALUES:
            raise InvalidValue(f"it has more than {MAX_VALUES} values, too many to check")
        if size.depth > MAX_DEPTH:
            raise InvalidValue(f"it is nested more than {MAX_DEPTH} levels deep")
        estimate = _nanoseconds(self._bounds.cost, size)
        if estimate > BUDGET_NS:
            raise InvalidValue(
                f"the schema is too complex to check {size.values} values and {size.characters} characters"
            )
        return estimate


def compile_schema(schema: JSONObject) -> JSONSchema:
    """Make a schema ready to check values; the most recent ones are kept.

    :raises InvalidSchema: when it is none, or exceeds a limit of :mod:`.schema_limits`.
    """
    return _compiled(dump_json(schema))


@lru_cache(maxsize=128)
def _compiled(text: str) -> JSONSchema:
    try:
        schema: JSONObject = parse_json(text)
    except ValueError as error:
        raise InvalidSchema(f"Not a valid JSON Schema: {error}") from None
    bounds = check_limits(schema)
    # Every reference is relative to the schema itself, whatever it calls itself.
    return JSONSchema(Validator({k: v for k, v in schema.items() if k not in ("$id", "$schema")}), bounds)


def _nanoseconds(cost: Cost, size: JSONSize) -> int:
    # The validator hashes large integers as floats; those that collide are compared pair by pair.
    pair_ns = _PAIR_NS if size.longest_integer <= _WORD_BITS else _LONG_PAIR_NS
    unique_ns = size.values * _UNIQUE_NS + size.odd_floats * _ODD_FLOAT_NS + size.odd_integers**2 * pair_ns
    return (
        size.values * cost.value_ns
        + size.objects * cost.object_ns
        + size.keys * cost.key_ns
        + size.characters * cost.text_ns
        + unique_ns * cost.unique
    )
