"""Logs leave for good: in small transactions, in the order of time, never before the rollups have counted them.

The days that they leave are sealed in the same transaction, so that nobody sums these days anew from what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from ...core.claims import alone
from ...core.clock import uuid7_time
from ...core.db import Database
from ...core.tenancy import SYSTEM, TenantSession
from .models import ActivityLog, LogStatus, SealedDay, UnrolledLog

ROLLUPS = "rollups"
"""The claim of whoever changes the rollups, or deletes what they are made from."""

BATCH = 500
"""Logs that one transaction deletes: a few milliseconds, for which SQLite lets nobody else write."""

FIRST_ID = UUID(int=0)

_ENDED = ActivityLog.status != LogStatus.RUNNING.value

_REMOVE = sa.delete(ActivityLog).where(ActivityLog.id == sa.bindparam("leaving"))


def remove_logs(
    database: Database,
    *conditions: sa.ColumnElement[bool],
    after: UUID = FIRST_ID,
    still: Callable[[], bool] | None = None,
    tell: Callable[[int, UUID], bool | None] | None = None,
) -> int:
    """Delete the logs that meet these conditions, batch by batch; returns how many that were.

    Those that still run or that the rollups do not have yet stay. Whoever is stopped midway begins again.

    :param after: where to begin: no log with this id or a smaller one is looked at.
    :param still: is asked in the transaction of each batch whether it may still be deleted; False stops.
    :param tell: is told after each batch how many logs it deleted and the id that it came to; True stops.
    """
    done = 0
    while (batch := _remove_batch(database, [*conditions, _ENDED], after, still)) is not None:
        removed, after = batch
        done += removed
        if tell is not None and tell(removed, after):
            break
    return done


def seal(session: TenantSession, log_ids: Iterable[UUID]) -> None:
    """Note that logs of the days of these have left."""
    days = {uuid7_time(log_id).replace(hour=0, minute=0, second=0, microsecond=0) for log_id in log_ids}
    days -= set(session.scalars(sa.select(SealedDay.day).where(SealedDay.day.in_(days))))
    session.add_all(SealedDay(day=day) for day in sorted(days))


def is_sealed(session: TenantSession, day: datetime) -> bool:
    """Whether logs of this day have left."""
    return session.get(SealedDay, day) is not None


def _remove_batch(
    database: Database,
    conditions: Iterable[sa.ColumnElement[bool]],
    after: UUID,
    still: Callable[[], bool] | None,
) -> tuple[int, UUID] | None:
    where = [*conditions, ActivityLog.id > after]
    with database.transaction(SYSTEM) as session:  # found apart, so that the roller waits for the deletion alone
        few = session.scalars(sa.select(ActivityLog.id).where(*where).order_by(ActivityLog.id).limit(BATCH)).all()
        if not few:
            return None
        # Looked up apart, too: planners take notes for few, and would compare all of them with each log.
        uncounted = {*session.scalars(sa.select(UnrolledLog.log_id).where(UnrolledLog.log_id.in_(few)))}
    leaving = [log_id for log_id in few if log_id not in uncounted]
    with alone(database, ROLLUPS) as session:
        if still is not None and not still():
            return None
        if leaving:
            seal(session, leaving)
            _remove(session.connection(), leaving)
    return len(leaving), few[-1]


def _remove(connection: sa.Connection, log_ids: Sequence[UUID]) -> None:
    """What has ended and is counted stays so, hence nothing is asked again."""
    if connection.dialect.name in ("mysql", "mariadb"):
        # One by one: it would lock all that it reads on its way to many, and writers would wait.
        connection.execute(_REMOVE, [{"leaving": log_id} for log_id in log_ids])
    else:
        connection.execute(sa.delete(ActivityLog).where(ActivityLog.id.in_(log_ids)))
