"""The log's months on PostgreSQL: made ahead of time, and dropped whole when all of their logs may leave.

Both change the whole table for some milliseconds, so neither waits for it longer than 20: who finds it in use lets
go, and tries again a little later. Elsewhere the log is one table, and nothing of this does anything.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from ...core.claims import alone
from ...core.clock import uuid7_time
from ...core.db import Database
from ...core.tenancy import SYSTEM
from .removal import ROLLUPS

AHEAD = 2
"""Months that are made before they begin."""

TRIES = 20

_BUSY = "55P03"
"""PostgreSQL's lock_not_available."""

_IN_USE = "55006"
"""Its object_in_use, as log_partitions.sql raises it of logs that still run or are not rolled up yet."""

_EXTEND = sa.text("SELECT aiagents_extend_log(:ahead)")
_DROP = sa.text("SELECT aiagents_drop_oldest_log(:before)")

Result = TypeVar("Result")


def extend(database: Database) -> int:
    """Make the months ahead; returns how many steps that took, 0 when they are there."""
    steps = 0
    while _patiently(database, lambda: _extend(database)) is not None:
        steps += 1
    return steps


def drop_before(
    database: Database,
    before: datetime,
    *,
    still: Callable[[], bool] | None = None,
    tell: Callable[[datetime], None] | None = None,
) -> int:
    """Drop the months that ended before a time, and note the days of their logs; returns how many months.

    :param still: is asked in the transaction that drops one whether it may still; False stops.
    :param tell: is told of each where it ended.
    """
    dropped = 0
    while (end := _patiently(database, lambda: _drop_oldest(database, before, still))) is not None:
        dropped += 1
        if tell is not None:
            tell(end)
    return dropped


def _extend(database: Database) -> str | None:
    with database.transaction(SYSTEM) as session:
        return session.connection().scalar(_EXTEND, {"ahead": AHEAD})


def _drop_oldest(database: Database, before: datetime, still: Callable[[], bool] | None) -> datetime | None:
    with alone(database, ROLLUPS) as session:
        if still is not None and not still():
            return None
        bound: UUID | None = session.connection().scalar(_DROP, {"before": before})
    return None if bound is None else uuid7_time(bound)


def _patiently(database: Database, work: Callable[[], Result | None]) -> Result | None:
    """What the work gives; None where there is nothing to do, or where the table stays in use."""
    if database.engine.dialect.name != "postgresql":
        return None
    for _ in range(TRIES):
        try:
            return work()
        except DBAPIError as error:
            if (state := getattr(error.orig, "sqlstate", None)) == _IN_USE:
                return None
            if state != _BUSY:
                raise
        time.sleep(random.uniform(0.05, 0.3))  # noqa: S311  # so that two do not meet again
    return None
