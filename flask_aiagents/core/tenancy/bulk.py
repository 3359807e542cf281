"""Many rows in one statement, by the fastest way that row-level security admits.

``jsonb_to_recordset`` on PostgreSQL, where row-level security refuses ``COPY``; elsewhere, and for a single row,
the driver's own execute or executemany: SQLAlchemy's reading of parameters, row by row, costs more than the
database's work. Columns that the rows do not name are NULL or the server's default.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

Processors = tuple[Callable[[Any], Any] | None, ...]


def recordset(
    table: sa.Table, rows: list[dict[str, Any]], dialect: Dialect
) -> tuple[sa.TextClause, dict[str, str]]:
    """PostgreSQL's statement for many rows, and its one parameter."""
    return _recordset(table, tuple(rows[0]), dialect), {"rows": _encode(rows)}


def plain(table: sa.Table, rows: list[dict[str, Any]], dialect: Dialect) -> tuple[str, list[tuple[Any, ...]]]:
    """The driver's statement, and the rows in the form that it takes."""
    names = tuple(rows[0])
    statement, processors = _plain(table, names, dialect)
    columns = (
        values if process is None else _processed(values, process)
        for values, process in zip(([row[name] for row in rows] for name in names), processors, strict=True)
    )
    return statement, list(zip(*columns, strict=True))


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


@lru_cache(maxsize=64)
def _recordset(table: sa.Table, names: tuple[str, ...], dialect: Dialect) -> sa.TextClause:
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in names)
    typed = ", ".join(f"{quote(name)} {table.c[name].type.compile(dialect)}" for name in names)
    return sa.text(
        f"INSERT INTO {quote(table.name)} ({columns}) SELECT {columns} "  # noqa: S608  # names of our own columns
        f"FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS _({typed})"
    )


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


_encode = json.JSONEncoder(default=_text).encode
