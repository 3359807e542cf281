"""Sums that name a forgotten user no more: rows that thereby mean the same become one, and no sum changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.claims import alone
from ...core.db import Database
from ..activity.removal import ROLLUPS
from .folding import ADDED, SUMMED, Sums
from .groups import add_sums, among
from .levels import KEY, LEVELS, ROLLED, Key, id_of
from .models import Usage

FORGOTTEN = "(forgotten)"
"""Who stands where a forgotten user stood."""

BATCH = 500
"""Rows that one transaction renames: some milliseconds, for which SQLite lets nobody else write."""

_TABLE: sa.Table = Usage.__table__  # pyright: ignore[reportAssignmentType]
# Days before weeks: a week that is made anew meanwhile names no user whom its days name no more.
_TELLING = [
    (level, grain) for level, told in LEVELS.items() if "user" in told for grain in reversed(ROLLED[level])
]

_BEGIN = datetime(1, 1, 1, tzinfo=UTC), UUID(int=0)

_NAMES = ("id", *KEY, *SUMMED)
_ROWS = sa.select(*(_TABLE.c[name] for name in _NAMES))


def naming_users() -> sa.ColumnElement[bool]:
    """Which rows name a user."""
    return sa.and_(_TABLE.c.level.in_({level for level, _ in _TELLING}), _TABLE.c.user_id != FORGOTTEN)


def rename_users(database: Database, *conditions: sa.ColumnElement[bool], tell: Callable[[int], None]) -> int:
    """Take the users out of the rows that meet these conditions, batch by batch; returns how many rows that were.

    To be called when the logs of these rows have been deleted: sums that are made anew from a log name its user
    again. Whoever is stopped midway begins again.

    :param tell: is told after each batch how many so far.
    """
    done = 0
    for level, grain in _TELLING:
        rows = _ROWS.where(_TABLE.c.level == level, _TABLE.c.grain == grain, naming_users(), *conditions)
        rows = rows.order_by(_TABLE.c.period_start, _TABLE.c.id).limit(BATCH)
        place = _BEGIN
        while renamed := _rename_batch(database, rows.where(_after(*place))):
            place = renamed[-1].period_start, renamed[-1].id
            done += len(renamed)
            tell(done)
    return done


def _after(start: datetime, row_id: UUID) -> sa.ColumnElement[bool]:
    later = sa.or_(_TABLE.c.period_start > start, _TABLE.c.id > row_id)
    return sa.and_(_TABLE.c.period_start >= start, later)


def _rename_batch(database: Database, rows: sa.Select[Any]) -> Sequence[Any]:
    with alone(database, ROLLUPS) as session:
        connection = session.connection()
        if not (found := connection.execute(rows).all()):
            return found
        meant = [id_of(_renamed(row)) for row in found]
        present = connection.execute(_ROWS.where(among(_TABLE.c.id, meant, connection.dialect))).all()
        groups: dict[Key, Sums] = {}
        for row in (*found, *present):
            sums = list(row[-len(SUMMED) :])
            add_sums(groups.setdefault(_renamed(row), _nothing(sums)), sums)
        leaving = [row.id for row in (*found, *present)]
        connection.execute(sa.delete(_TABLE).where(among(_TABLE.c.id, leaving, connection.dialect)))
        session.insert_rows(
            Usage,
            [dict(zip(_NAMES, (id_of(key), *key, *sums), strict=True)) for key, sums in groups.items()],
        )
    return found


def _renamed(row: Any) -> Key:
    return tuple(FORGOTTEN if name == "user_id" else getattr(row, name) for name in KEY)  # pyright: ignore[reportReturnType]


def _nothing(sums: Sums) -> Sums:
    """Sums of nothing yet, to which these are to be added."""
    return [*[0] * len(ADDED), sums[len(ADDED)], {}]
