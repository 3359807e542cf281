"""Conditions on a place inside a JSON column, with the same answer on all databases.

``column->key`` compares JSON: a number with numbers, ``true`` and ``false`` with booleans, ``null`` with null, any
other text with strings. ``column->>key`` compares text, except a number with a number that stands there: 0 equals
0.0, and 9 is less than 100. What is absent matches nothing.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

Condition = sa.ColumnElement[bool]

COMPARE: dict[str, Callable[[Any, Any], Condition]] = {
    "eq": operator.eq,
    "neq": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}

_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
"""Number literals; longer ones are text."""

_EXACT = sa.Numeric(65, 20)
"""The widest number of MariaDB."""

_INT64 = 2**63

_KINDS = {
    "sqlite": {
        "number": ("integer", "real"),
        "boolean": ("true", "false"),
        "string": ("text",),
        "null": ("null",),
    },
    "postgresql": {"number": ("number",), "boolean": ("boolean",), "string": ("string",), "null": ("null",)},
    "mariadb": {
        "number": ("INTEGER", "DOUBLE", "DECIMAL"),
        "boolean": ("BOOLEAN",),
        "string": ("STRING",),
        "null": ("NULL",),
    },
}


@dataclass(frozen=True, slots=True)
class Place:
    """A place inside a JSON column, as SQL expressions."""

    kind: Any
    """The database's word for what stands there; NULL where nothing does."""
    text: Any
    """It as text; NULL for null."""
    number: Any
    """It as a number, where it is one."""
    dialect: str

    def is_a(self, kind: str) -> Condition:
        """Whether a ``number``, ``boolean``, ``string`` or ``null`` stands there."""
        return self.kind.in_(_KINDS[self.dialect][kind])


def place_of(attribute: Any, keys: tuple[int | str, ...], dialect: str) -> Place:
    """Return the place that keys lead to."""
    if dialect == "postgresql":
        there = attribute[keys]
        text = there.as_string()
        return Place(sa.func.jsonb_typeof(there), text, sa.cast(text, sa.Numeric), dialect)
    path = "$" + "".join(f"[{key}]" if isinstance(key, int) else f'."{key}"' for key in keys)
    if dialect == "sqlite":
        return _sqlite_place(attribute, path)
    text = attribute[keys].as_string()
    return Place(
        sa.func.json_type(sa.func.json_extract(attribute, path), type_=sa.String),
        text,
        sa.cast(text, _EXACT),
        "mariadb",
    )


def _sqlite_place(attribute: Any, path: str) -> Place:
    """SQLite alone would give 1 for true and leave numbers numbers."""
    kind = sa.func.json_type(attribute, path, type_=sa.Text)
    value = sa.func.json_extract(attribute, path)
    text = sa.case((kind.in_(("true", "false")), kind), else_=sa.cast(value, sa.Text))
    return Place(kind, text, value, "sqlite")


def compare_json(place: Place, operator: str, value: str) -> Condition:
    """Compare JSON with JSON: values of another kind are unequal, and neither less nor greater."""
    if (number := _number(value)) is not None:
        same, condition = place.is_a("number"), COMPARE[operator](place.number, _literal(number, place))
    elif value in ("true", "false"):
        same, condition = place.is_a("boolean"), COMPARE[operator](place.text, sa.literal(value, sa.Text))
    elif value == "null":
        same, condition = place.is_a("null"), sa.true() if operator in ("eq", "gte", "lte") else sa.false()
    else:
        same, condition = place.is_a("string"), COMPARE[operator](place.text, sa.literal(value, sa.Text))
    otherwise = sa.true() if operator == "neq" else sa.false()
    return sa.case((place.kind.is_(None), sa.null()), (same, condition), else_=otherwise)


def compare_text(place: Place, operator: str, value: str) -> Condition:
    """Compare text with text, and a number with a number."""
    as_text = COMPARE[operator](place.text, sa.literal(value, sa.Text))
    if (number := _number(value)) is None:
        return as_text
    return sa.case((place.is_a("number"), COMPARE[operator](place.number, _literal(number, place))), else_=as_text)


def is_among(place: Place, values: list[str]) -> Condition:
    """Whether the place has one of these values, as text or as a number."""
    as_text = place.text.in_(values)
    numbers = [_literal(number, place) for value in values if (number := _number(value)) is not None]
    return sa.case((place.is_a("number"), place.number.in_(numbers)), else_=as_text) if numbers else as_text


def is_boolean(place: Place, value: bool) -> Condition:
    """Whether true, or false, stands there."""
    return sa.and_(place.kind.is_not(None), place.is_a("boolean"), place.text == ("true" if value else "false"))


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _literal(number: Decimal, place: Place) -> Any:
    if place.dialect == "postgresql":
        return sa.literal(number, sa.Numeric)
    if place.dialect == "mariadb":
        return sa.cast(sa.literal(format(number, "f"), sa.String), _EXACT)
    if number == number.to_integral_value() and abs(number) < _INT64:
        return sa.literal(int(number), sa.BigInteger)
    return sa.literal(float(number), sa.Float)
