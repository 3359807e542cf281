"""Sums of weeks, made anew from those of their days: of some days the logs have left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from .folding import ADDED, SUMMED, Sums
from .groups import Rows, add_sums, write
from .levels import GRAINS, KEY, ROLLED, Key
from .models import Usage

_AT_ONCE = 1_000
"""Rows of days that are in memory; those of one level's week are, too."""

_TABLE: sa.Table = Usage.__table__  # pyright: ignore[reportAssignmentType]
_LEVELS = [level for level, grains in ROLLED.items() if "week" in grains]
_MADE = sa.delete(_TABLE).where(
    _TABLE.c.level.in_(_LEVELS), _TABLE.c.grain == "week", _TABLE.c.period_start == sa.bindparam("week")
)
_DAYS = sa.select(*(_TABLE.c[name] for name in (*KEY, *SUMMED))).where(
    _TABLE.c.level == sa.bindparam("of_level"),
    _TABLE.c.grain == "day",
    _TABLE.c.period_start >= sa.bindparam("week"),
    _TABLE.c.period_start < sa.bindparam("end"),
)


def sum_week(connection: sa.Connection, week: datetime) -> None:
    """Make the sums of the week that begins then."""
    connection.execute(_MADE, {"week": week})
    for level in _LEVELS:
        write(connection, _summed(connection, level, week))


def _summed(connection: sa.Connection, level: str, week: datetime) -> Rows:
    weeks: dict[Key, Sums] = {}
    for key, sums in _days(connection, level, week):
        if (into := weeks.get(key)) is None:
            weeks[key] = sums
        else:
            add_sums(into, sums)
    return weeks.items()


def _days(connection: sa.Connection, level: str, week: datetime) -> Iterator[tuple[Key, Sums]]:
    """The sums of the days, under the keys of the week."""
    values = {"of_level": level, "week": week, "end": week + GRAINS["week"]}
    with connection.execute(_DAYS, values, execution_options={"yield_per": _AT_ONCE}) as rows:
        for row in rows:
            about = row[: len(KEY)]
            *counts, last, durations = row[len(KEY) :]
            sums = [value if name == "cost_usd" else int(value) for name, value in zip(ADDED, counts, strict=True)]
            yield (level, "week", week, *about[3:]), [*sums, last, durations]  # pyright: ignore[reportReturnType]
