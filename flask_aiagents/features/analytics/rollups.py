"""Ended logs become sums: in small transactions, each of which counts some logs and notes that it has.

A roller that dies leaves all or nothing of its batch. Two at once work one after the other: both lock one row.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.claims import alone
from ...core.clock import uuid7_from
from ...core.db import Database
from ...core.tenancy import SYSTEM, TenantSession
from ..activity.models import ActivityLog, LogStatus, UnrolledLog
from ..activity.removal import ROLLUPS, is_sealed
from .folding import COLUMNS, Groups, clients_days
from .groups import add_up, among, erase_day, write
from .levels import GRAINS, begin_of
from .weeks import sum_week
from .words import Words

BATCH = 2_000
"""Logs that one transaction counts."""

LARGE_BATCH = 50_000
"""The same where much has to be caught up: fewer rows are written twice, and each transaction takes longer."""

SMALL_BATCH, REST_S = 500, 0.02
"""The same on SQLite, where nobody else writes meanwhile, and the pause in which they do."""

_LOG: sa.Table = ActivityLog.__table__  # pyright: ignore[reportAssignmentType]
_NOTE: sa.Table = UnrolledLog.__table__  # pyright: ignore[reportAssignmentType]
_ENDED = _LOG.c.status != LogStatus.RUNNING.value

_NEW = (
    sa.select(_NOTE.c.log_id, *COLUMNS)
    .outerjoin(_LOG, sa.and_(_LOG.c.id == _NOTE.c.log_id, _ENDED))
    .order_by(_NOTE.c.log_id)
    .limit(sa.bindparam("size"))
)

# Those that wait to be rolled up are left to that. The two are told apart in one statement, so that a log that
# ends meanwhile is counted by one of them.
_LOGGED = (
    sa.select(*COLUMNS)
    .where(_ENDED, _LOG.c.id > sa.bindparam("after"), _LOG.c.id < sa.bindparam("end"))
    .where(~sa.exists().where(_NOTE.c.log_id == _LOG.c.id))
    .order_by(_LOG.c.id)
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
    alone_writes = database.engine.dialect.name == "sqlite"
    while rolled := _roll_batch(database, min(size, SMALL_BATCH) if alone_writes else size):
        done += rolled
        if tell:
            tell(done)
        if time.monotonic() >= until:
            break
        if alone_writes:
            time.sleep(REST_S)
    return done


def rebuild(
    database: Database, start: datetime, end: datetime, tell: Callable[[datetime, int | None], None] | None = None
) -> int:
    """Count the days, in UTC, that a period touches anew from the log; returns how many logs they have.

    Days of which logs have been deleted stay as they are, but count in their week; ``tell`` is told None of them.
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
    with _rolling(database) as session:
        notes = session.connection().execute(_NEW, {"size": size}).all()
        logs = [note[1:] for note in notes if note.id is not None]
        groups = Groups(_words(session, logs))
        groups.add(logs)
        add_up(session, groups.rows())
        _take_away(session, [note.log_id for note in notes])
    return len(notes)


def _words(session: TenantSession, logs: Sequence[Sequence[Any]]) -> Words:
    words = Words()
    if days := clients_days(logs):
        words.learn(session, days)
    return words


def _rebuild_day(database: Database, day: datetime) -> int | None:
    end = day + GRAINS["day"]
    done, after, groups = 0, UUID(int=uuid7_from(day).int - 1), Groups(Words())
    with _rolling(database) as session:
        if is_sealed(session, day):
            sum_week(session.connection(), begin_of("week", day))  # which needs no logs
            return None
        erase_day(session, day)
        while logs := session.connection().execute(_LOGGED, {"after": after, "end": uuid7_from(end)}).all():
            groups.add(logs)
            done, after = done + len(logs), logs[-1].id
        write(session.connection(), groups.rows())
        sum_week(session.connection(), begin_of("week", day))
    return done


@contextmanager
def _rolling(database: Database) -> Iterator[TenantSession]:
    """A transaction that no other roller overlaps, nor whoever deletes logs."""
    with alone(database, ROLLUPS) as session:
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            # A plan is kept as long as its connection: one made for an empty table would later read all of it.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        yield session


def _take_away(session: TenantSession, log_ids: Sequence[UUID]) -> None:
    connection = session.connection()
    # One by one on MariaDB, which would lock all that it reads on its way to many, and writers would wait.
    at_once = 1 if connection.dialect.name in ("mysql", "mariadb") else BATCH
    for start in range(0, len(log_ids), at_once):
        some = log_ids[start : start + at_once]
        connection.execute(sa.delete(_NOTE).where(among(_NOTE.c.log_id, some, connection.dialect)))
