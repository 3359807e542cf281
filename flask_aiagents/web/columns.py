"""What a list offers: its declared columns, by the kind of their values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from json.encoder import encode_basestring_ascii
from types import MappingProxyType
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ..core.columns import MONEY_DIGITS, MOST_USD, PICO, Money, UTCDateTime
from ..errors import BadRequest
from ..types import JSONObject
from .json import time_text

_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class Column:
    """One column that lists may name."""

    name: str
    attribute: Any
    """The mapped attribute, or a labelled expression over mapped attributes."""
    kind: str
    """``uuid``, ``text``, ``integer``, ``time``, ``money``, ``boolean`` or ``json``."""
    nullable: bool
    sortable: bool
    """Whether it always has a value, and one short enough for a cursor."""

    @property
    def operand(self) -> Any:
        """The attribute as comparisons take it: any 64-bit number may be asked of a 32-bit column."""
        return sa.type_coerce(self.attribute, sa.BigInteger()) if self.kind == "integer" else self.attribute

    @property
    def fetched(self) -> Any:
        """The attribute as lists read it: JSON as text, which becomes part of an answer as it is."""
        return sa.cast(self.attribute, sa.Text()).label(self.name) if self.kind == "json" else self.attribute

    def value(self, fetched: Any) -> Any:
        """The value of what was fetched."""
        return fetched if self.kind != "json" or fetched is None else json.loads(fetched)

    @property
    def write(self) -> Callable[[Any], str]:
        """Makes JSON of what was fetched, unless that is None."""
        return _WRITERS[self.kind]

    def parse(self, text: str) -> Any:
        """A value of this column from its text.

        :raises BadRequest: when it is none.
        """
        try:
            return _PARSERS[self.kind](text)
        except (ValueError, InvalidOperation, OverflowError) as error:
            raise BadRequest(
                f"{self.name}: {text[:50]!r} is no {self.kind}.", hint=f"Write it as in {_EXAMPLES[self.kind]}."
            ) from error


class Columns:
    """The columns of one resource, its model and its usual order.

    :param names: the attributes of the model that are shown, in this order.
    :param instead: expressions over mapped attributes that stand for attributes which are not mapped.
    """

    def __init__(
        self,
        model: type[Any],
        names: str,
        *,
        order: str = "created_at",
        instead: Mapping[str, sa.ColumnElement[Any]] = MappingProxyType({}),
    ) -> None:
        self.model = model
        self.order = (order, True)
        self._columns = {
            name: _derived(name, instead[name]) if name in instead else _declare(model, name)
            for name in names.split()
        }
        self.names = tuple(self._columns)

    def __getitem__(self, name: str) -> Column:
        """:raises BadRequest: for an unknown column, naming the nearest."""
        if (column := self._columns.get(name)) is not None:
            return column
        near = get_close_matches(name, self.names, n=1)
        raise BadRequest(
            f"There is no column {name[:50]!r}.",
            details={"columns": list(self.names)},
            hint=f"Did you mean {near[0]}?" if near else "Use one of the columns in details.",
        )

    def __iter__(self) -> Any:
        return iter(self._columns.values())

    def dump(self, row: Any) -> JSONObject:
        """An object as lists show it."""
        return {name: getattr(row, name) for name in self.names}


def _declare(model: type[Any], name: str) -> Column:
    attribute = getattr(model, name)
    column = sa.inspect(model).columns[name]
    sortable = not column.nullable and not isinstance(column.type, (sa.JSON, sa.Text))
    return Column(name, attribute, _kind(column.type), bool(column.nullable), sortable)


def _derived(name: str, expression: Any) -> Column:
    return Column(name, expression, _kind(expression.type), nullable=True, sortable=False)


def _kind(type_: sa.types.TypeEngine[Any]) -> str:
    match type_:
        case sa.Uuid():
            return "uuid"
        case UTCDateTime():
            return "time"
        case Money():
            return "money"
        case sa.Boolean():
            return "boolean"
        case sa.Integer():
            return "integer"
        case sa.JSON():
            return "json"
    return "text"


def _integer(text: str) -> int:
    if len(text) > 20 or not -_INT64 <= (value := int(text)) < _INT64:
        raise ValueError("out of range")
    return value


def _time(text: str) -> datetime:
    value = datetime.fromisoformat(text.replace(" ", "+"))
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)


def _money(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite() or abs(value) > MOST_USD:
        raise ValueError("out of range")
    if (kept := value.quantize(PICO)) != value:
        raise ValueError(f"more than {MONEY_DIGITS} places")
    return kept


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("neither true nor false")
    return text.lower() == "true"


def _text(text: str) -> str:
    if "\x00" in text:
        raise ValueError("NUL")
    text.encode()  # half a surrogate pair raises UnicodeEncodeError, a ValueError
    return text


_PARSERS: dict[str, Callable[[str], Any]] = {
    "uuid": UUID,
    "text": _text,
    "json": _text,
    "integer": _integer,
    "time": _time,
    "money": _money,
    "boolean": _boolean,
}

_WRITERS: dict[str, Callable[[Any], str]] = {
    "uuid": '"{}"'.format,
    "text": encode_basestring_ascii,
    "json": str,
    "integer": str,
    "time": lambda time: f'"{time_text(time)}"',
    "money": '"{:f}"'.format,
    "boolean": lambda flag: "true" if flag else "false",
}
"""From a value that is not None to JSON, as :mod:`.json` writes it."""

_EXAMPLES = {
    "uuid": "0190f3c2-7b1c-7cc3-98c4-dc0c0c07398f",
    "text": "abc, without NUL and half characters",
    "json": "abc, without NUL and half characters",
    "integer": "42",
    "time": "2026-01-31T12:00:00Z",
    "money": "0.25",
    "boolean": "true",
}
