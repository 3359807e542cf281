"""Many rows in one statement, by the fastest way that row-level security admits.

``jsonb_to_recordset`` on PostgreSQL, where row-level security refuses ``COPY``; elsewhere, and for a single row,
the driver's own execute or executemany: SQLAlchemy's reading of parameters, row by row, costs more than the
database's work. Columns that the rows do not name are NULL or the server's default.

Rows that are written together have much in common: what is one value in all of them goes to PostgreSQL once, and
what is NULL in all of them is named to nobody.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import repeat
from operator import is_, itemgetter
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

Processors = tuple[Callable[[Any], Any] | None, ...]

Names = tuple[str, ...]


def recordset(
    table: sa.Table, rows: list[dict[str, Any]], dialect: Dialect
) -> tuple[sa.TextClause, dict[str, str]]:
    """PostgreSQL's statement for many rows, and its parameters."""
    columns = _columns(table, rows)
    same = tuple(name for name, values in columns.items() if _is_one(values))
    if len(same) == len(columns):  # as of a single row: a set of records needs a column
        same = same[1:]
    different = tuple(name for name in columns if name not in same)
    values = zip(*(_encodable(table.c[name], columns[name]) for name in different), strict=True)
    many = _encode([dict(zip(different, row, strict=True)) for row in values])
    one = _encode({name: columns[name][0] for name in same})
    return _recordset(table, different, same, dialect), {"many": many, "one": one} if same else {"many": many}


def plain(table: sa.Table, rows: list[dict[str, Any]], dialect: Dialect) -> tuple[str, list[tuple[Any, ...]]]:
    """The driver's statement, and the rows in the form that it takes."""
    columns = _columns(table, rows)
    statement, processors = _plain(table, tuple(columns), dialect)
    taken = (
        values if process is None else _processed(values, process)
        for values, process in zip(columns.values(), processors, strict=True)
    )
    return statement, list(zip(*taken, strict=True))


def _columns(table: sa.Table, rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The values of each column, but for those that are NULL in all rows anyway."""
    columns = {name: list(map(itemgetter(name), rows)) for name in rows[0]}
    return {
        name: values
        for name, values in columns.items()
        if values[0] is not None or table.c[name].server_default is not None or not _is_one(values)
    }


def _is_one(values: list[Any]) -> bool:
    """Whether all are one value; of what may equal another without being the same (1 and True) one object."""
    first = values[0]
    return values.count(first) == len(values) if type(first) is str else all(map(is_, values, repeat(first)))


def _encodable(column: sa.Column[Any], values: list[Any]) -> list[Any]:
    # The encoder would ask for each value what its text is: of ids that takes longer than all the rest.
    uuids = isinstance(column.type, sa.Uuid)
    return [None if value is None else value.hex for value in values] if uuids else values


def _processed(values: list[Any], process: Callable[[Any], Any]) -> list[Any]:
    # Neighbours are often one object (an agent's id, a millisecond, None), and processing is what costs here.
    done, last, result = [], values[0], process(values[0])
    for value in values:
        if value is not last:
            last, result = value, process(value)
        done.append(result)
    return done


@lru_cache(maxsize=64)
def _plain(table: sa.Table, names: tuple[str, ...], dialect: Dialect) -> tuple[str, Processors]:
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in names)
    marks = ", ".join(["?" if dialect.paramstyle == "qmark" else "%s"] * len(names))
    statement = f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({marks})"  # noqa: S608  # names of our own columns
    return statement, tuple(table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names)


@lru_cache(maxsize=256)
def _recordset(table: sa.Table, different: Names, same: Names, dialect: Dialect) -> sa.TextClause:
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in (*different, *same))
    records = f"jsonb_to_recordset(CAST(:many AS jsonb)) AS _({_typed(table, different, dialect)})"
    if same:
        records += f", jsonb_to_record(CAST(:one AS jsonb)) AS __({_typed(table, same, dialect)})"
    return sa.text(
        f"INSERT INTO {quote(table.name)} ({columns}) SELECT {columns} FROM {records}"  # noqa: S608  # names of our own columns
    )


def _typed(table: sa.Table, names: Names, dialect: Dialect) -> str:
    quote = dialect.identifier_preparer.quote
    return ", ".join(f"{quote(name)} {table.c[name].type.compile(dialect)}" for name in names)


def _text(value: Any) -> str:
    return _TEXTS.get(type(value), str)(value)


_TEXTS: dict[type, Callable[[Any], str]] = {UUID: str, datetime: datetime.isoformat, Decimal: "{:f}".format}

_encode = json.JSONEncoder(default=_text).encode
