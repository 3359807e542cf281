"""Ended logs become sums: in small transactions, each of which counts some logs and notes that it has.

A roller that dies leaves all or nothing of its batch. Two at once work one after the other: both lock one row.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from ...core.claims import alone
from ...core.clock import uuid7_from
from ...core.db import Database
from ...core.tenancy import SYSTEM
from ..activity.models import ActivityLog, UnrolledLog
from ..activity.removal import ROLLUPS, is_sealed
from .groups import Groups, add_present, erase, group, write
from .levels import GRAINS, begin_of
from .reading import ENDED, LOG

BATCH = 2_000
"""Logs that one transaction counts."""

LARGE_BATCH = 10_000
"""The same where much has to be caught up: fewer rows are written twice, and each transaction takes longer."""

_NEW = (
    sa.select(UnrolledLog.log_id, *LOG)
    .outerjoin(ActivityLog, sa.and_(ActivityLog.id == UnrolledLog.log_id, *ENDED))
    .order_by(UnrolledLog.log_id)
    .limit(sa.bindparam("size"))
)

# One by one: MariaDB would lock all that it reads on its way to many, and writers would wait.
_ROLLED = sa.delete(UnrolledLog).where(UnrolledLog.log_id == sa.bindparam("rolled"))

# Those that wait to be rolled up are left to that. The two are told apart in one statement, so that a log that
# ends meanwhile is counted by one of them.
_LOGGED = (
    sa.select(ActivityLog.id, *LOG)
    .where(*ENDED, ActivityLog.id > sa.bindparam("after"), ActivityLog.id < sa.bindparam("end"))
    .where(~sa.exists().where(UnrolledLog.log_id == ActivityLog.id))
    .order_by(ActivityLog.id)
    .limit(BATCH)
)


def roll_up(
    database: Database,
    *,
    seconds: float | None = None,
    size: int = BATCH,
    tell: Callable[[int], None] | None = None,
) -> int:
    """Count what has ended into the rollups, batch by batch until none is left or the time is over.

    Returns how many logs were counted; ``tell`` is told how many so far.
    """
    done, until = 0, time.monotonic() + (math.inf if seconds is None else seconds)
    while rolled := _roll_batch(database, size):
        done += rolled
        if tell:
            tell(done)
        if time.monotonic() >= until:
            break
    return done


def rebuild(
    database: Database, start: datetime, end: datetime, tell: Callable[[datetime, int | None], None] | None = None
) -> int:
    """Count the days, in UTC, that a period touches anew from the log; returns how many logs they have.

    Days of which logs have been deleted stay as they are; ``tell`` is told None of them.
    """
    day, done = begin_of("day", start), 0
    while day < end:
        logs = _rebuild_day(database, day)
        done += logs or 0
        if tell:
            tell(day, logs)
        day += GRAINS["day"]
    return done


def _roll_batch(database: Database, size: int) -> int:
    with database.transaction(SYSTEM) as session:
        if session.scalar(sa.select(UnrolledLog.log_id).limit(1)) is None:
            return 0  # asked apart, so that an idle system writes nothing
    with alone(database, ROLLUPS) as session:
        logs, groups = session.execute(_NEW, {"size": size}).all(), Groups()
        group((log for log in logs if log.status is not None), groups)
        add_present(session, groups)
        write(session, groups)
        if logs:
            session.connection().execute(_ROLLED, [{"rolled": log.log_id} for log in logs])
    return len(logs)


def _rebuild_day(database: Database, day: datetime) -> int | None:
    end = day + GRAINS["day"]
    done, after, groups = 0, UUID(int=uuid7_from(day).int - 1), Groups()
    with alone(database, ROLLUPS) as session:
        if is_sealed(session, day):
            return None
        erase(session, day, end)
        while logs := session.execute(_LOGGED, {"after": after, "end": uuid7_from(end)}).all():
            group(logs, groups)
            done, after = done + len(logs), logs[-1].id
        write(session, groups)
    return done
