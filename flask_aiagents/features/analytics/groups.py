"""The rows of sums: added to, written, taken away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from operator import add
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect

from ...core.tenancy import TenantSession
from ...core.tenancy.bulk import plain, recordset
from . import histogram
from .folding import ADDED, SUMMED, Sums
from .levels import GRAINS, KEY, LEVELS, Key, id_of
from .models import Usage

_AT_ONCE = 1_000
"""Rows that one statement names."""

Rows = Iterable[tuple[Key, Sums]]


def write(connection: sa.Connection, rows: Rows) -> None:
    """Write rows, over those that are there."""
    for some in _chunks(rows):
        _write(connection, some)


def add_up(session: TenantSession, rows: Rows) -> None:
    """Write rows, each with what is there already."""
    connection = session.connection()
    for some in _chunks(rows):
        present = sa.select(*_SUMS).where(among(_TABLE.c.id, some, connection.dialect))
        for row_id, *sums in connection.execute(present):
            add_sums(some[row_id][1], sums)
        _write(connection, some)


def add_sums(into: Sums, more: Sums) -> None:
    """Add a row's sums to another's."""
    *counts, last, durations = more
    into[: len(ADDED)] = map(
        add, into, (value if name == "cost_usd" else int(value) for name, value in zip(ADDED, counts, strict=True))
    )
    into[-2] = max(into[-2], last)
    histogram.add(into[-1], durations)


def erase_day(session: TenantSession, day: datetime) -> None:
    """Take away all rows of a day and of its hours."""
    session.execute(
        sa.delete(Usage)
        .where(Usage.level.in_(LEVELS), Usage.grain.in_(("day", "hour")))  # what the index begins with
        .where(Usage.period_start >= day, Usage.period_start < day + GRAINS["day"])
        .execution_options(synchronize_session=False)
    )


def among(column: sa.Column[UUID], ids: Iterable[UUID], dialect: Dialect) -> sa.ColumnElement[bool]:
    """Whether a column has one of many ids."""
    if dialect.name != "postgresql":
        return column.in_(ids)
    # One parameter, since psycopg reads each name of a thousand: longer than the database looks for the rows.
    text = "{" + ",".join(one.hex for one in ids) + "}"
    return column == sa.any_(sa.cast(sa.literal(text, sa.String), ARRAY(sa.Uuid)))


_TABLE: sa.Table = Usage.__table__  # pyright: ignore[reportAssignmentType]

_NAMES = ("id", *KEY, *SUMMED)
_SUMS = [_TABLE.c[name] for name in ("id", *SUMMED)]

_EXCLUDED = " ON CONFLICT (id) DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in SUMMED)
_DUPLICATE = " ON DUPLICATE KEY UPDATE " + ", ".join(f"{name} = VALUES({name})" for name in SUMMED)
_OVER = {"postgresql": _EXCLUDED, "sqlite": _EXCLUDED, "mysql": _DUPLICATE, "mariadb": _DUPLICATE}


def _write(connection: sa.Connection, some: dict[UUID, tuple[Key, Sums]]) -> None:
    rows = [dict(zip(_NAMES, (row_id, *key, *sums), strict=True)) for row_id, (key, sums) in some.items()]
    if connection.dialect.name == "postgresql":
        statement, parameters = recordset(_TABLE, rows, connection.dialect)
        connection.execute(sa.text(statement.text + _OVER["postgresql"]), parameters)
    else:
        text, tuples = plain(_TABLE, rows, connection.dialect)
        connection.exec_driver_sql(text + _OVER[connection.dialect.name], tuples)


def _chunks(rows: Rows) -> Iterator[dict[UUID, tuple[Key, Sums]]]:
    rest = iter(rows)
    while some := {id_of(row[0]): row for row in islice(rest, _AT_ONCE)}:
        yield some
