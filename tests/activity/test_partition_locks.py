"""Who waits for whom while months of the log are made and dropped on PostgreSQL: in steps, not in time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from support.cast import Clients, make_agent
from support.databases import Roles, run_sql
from support.hosts import close, make_host
from support.partitions import LOG, make_past_months, months, partitions, unmake_months
from support.usage import past, roll_up, write

from flask_aiagents.core.clock import utcnow, uuid7_from
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.activity.models import SealedDay
from flask_aiagents.features.activity.partitions import drop_before, extend

DAY = timedelta(days=1)

BUSY, IN_USE = "55P03", "55006"


@pytest.fixture
def app(postgres: Roles) -> Iterator[Flask]:
    """A host whose tables another role owns, with months that are past."""
    app = make_host(postgres.app, AIAGENTS_MIGRATION_URI=postgres.owner)
    make_past_months(postgres.owner, utcnow() - 150 * DAY)
    yield app
    close(app)


def write_old(app: Flask, days: int = 140) -> list[dict[str, Any]]:
    """Logs of the five days before a day that is so many days ago."""
    write(app, logs := past(utcnow() - days * DAY, 5, 20))
    return logs


@contextmanager
def speaking(uri: str) -> Iterator[sa.Connection]:
    """A transaction in the system's scope that nobody ends before this does."""
    with sa.create_engine(uri, poolclass=sa.NullPool).connect() as connection:
        connection.execute(sa.text("SELECT set_config('aiagents.scope', 'system', true)"))
        yield connection


def drop(connection: sa.Connection, before: datetime) -> Any:
    return connection.scalar(sa.text("SELECT aiagents_drop_oldest_log(:before)"), {"before": before})


def refused(connection: sa.Connection, before: datetime) -> str | None:
    """How the database says that it does not drop."""
    with pytest.raises(DBAPIError) as error:
        drop(connection, before)
    return getattr(error.value.orig, "sqlstate", None)


def locked(uri: str) -> set[tuple[str, str]]:
    """What others have locked of the log, its partitions without their names, for more than reading."""
    with sa.create_engine(uri, poolclass=sa.NullPool).connect() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT relname, mode FROM pg_locks JOIN pg_class ON pg_class.oid = relation "
                f"WHERE relname LIKE '{LOG}%' AND mode <> 'AccessShareLock' AND database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )
        return {(row.relname.removeprefix(LOG), row.mode) for row in rows}


def test_nothing_is_locked_when_nothing_may_leave(app: Flask, postgres: Roles) -> None:
    """Where no month is old enough, that is found out by reading."""
    write_old(app)
    roll_up(app)
    with speaking(postgres.app) as connection:
        assert drop(connection, utcnow() - 400 * DAY) is None
        assert locked(postgres.admin) == set()


def test_what_is_not_counted_yet_is_found_without_a_lock(app: Flask, postgres: Roles) -> None:
    """A table that is in use is not waited for before something may leave it."""
    write_old(app, 190)
    with speaking(postgres.app) as reader, speaking(postgres.app) as connection:
        reader.execute(sa.text(f"LOCK TABLE {LOG} IN ACCESS SHARE MODE"))
        assert refused(connection, utcnow() - 70 * DAY) == IN_USE


def test_who_finds_the_log_in_use_lets_go_of_it(app: Flask, postgres: Roles) -> None:
    """Whichever part of it is used: the attempt ends, holds nothing, and loses nothing; the next one succeeds."""
    write_old(app)
    roll_up(app)
    names = partitions(postgres.app)
    for part in ("", f"_{names[1]}", "_earlier"):
        with speaking(postgres.admin) as user, speaking(postgres.app) as connection:
            user.execute(sa.text(f"LOCK TABLE ONLY {LOG}{part} IN ACCESS SHARE MODE"))
            assert refused(connection, utcnow() - 70 * DAY) == BUSY
            assert locked(postgres.admin) == set()
    assert partitions(postgres.app) == names
    with speaking(postgres.app) as connection:
        assert drop(connection, utcnow() - 70 * DAY) is not None


def test_rows_of_no_month_leave_without_a_lock_on_the_whole(app: Flask, postgres: Roles) -> None:
    """Whoever writes logs of today does not wait for them."""
    write_old(app, 190)
    roll_up(app)
    with speaking(postgres.app) as connection:
        assert drop(connection, utcnow() - 70 * DAY) is not None
        assert {part for part, _ in locked(postgres.admin) if part.startswith("_2") or not part} == set()
        make_agent(Clients.of(app).alice)


def test_a_month_is_dropped_by_one_statement(app: Flask) -> None:
    """Between the drop and its commit nothing is said to the database that others would wait for."""
    write_old(app)
    roll_up(app)
    engine, said = app.extensions["aiagents"].database.engine, []
    event.listen(engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    event.listen(engine, "commit", lambda _: said.append("COMMIT"))
    with app.app_context():
        assert drop_before(app.extensions["aiagents"].database, utcnow() - 70 * DAY) > 0
    drops = [number for number, statement in enumerate(said) if "aiagents_drop_oldest_log" in statement]
    assert {said[number + 1] for number in drops} == {"COMMIT"}


def test_the_days_that_logs_left_with_a_month_are_noted(app: Flask) -> None:
    """Exactly those that had logs, in the months and before them."""
    logs = [*write_old(app), *write_old(app, 190)]
    roll_up(app)
    with app.app_context():
        database = app.extensions["aiagents"].database
        drop_before(database, utcnow() - 70 * DAY)
        with database.transaction(SYSTEM) as session:
            sealed = set(session.scalars(sa.select(SealedDay.day)))
    assert sealed == {log["created_at"].replace(hour=0, minute=0, second=0, microsecond=0) for log in logs}


def test_a_bound_leaves_a_month_to_go_on_writing(postgres: Roles) -> None:
    """Where whoever makes months dies right after it bounded the last partition, logs of next month are kept."""
    app, now = heaped(postgres)
    with speaking(postgres.app) as connection:
        step = connection.scalar(sa.text("SELECT aiagents_extend_log(2)"))
        connection.commit()
    assert step.startswith("bounded")
    write(app, past(months(now, 3)[2], 1, 20))
    assert extended(app) > 0
    assert extended(app) == 0
    close(app)


@pytest.mark.parametrize("end", ["past", "near"])
@pytest.mark.parametrize("valid", ["", "NOT VALID"], ids=["proved", "not proved"])
def test_a_bound_that_is_near_or_past_is_made_anew(postgres: Roles, end: str, valid: str) -> None:
    """However long ago whoever set it died, the months are made, and nobody is refused after that."""
    app, now = heaped(postgres)
    high = uuid7_from(now + timedelta(hours=1) if end == "near" else now - (now - months(now, 1)[0]) / 4)
    run_sql(postgres.owner, f"ALTER TABLE {LOG}_later ADD CONSTRAINT aiagents_month CHECK (id < '{high}') {valid}")
    assert extended(app) > 0
    write(app, past(months(now, 3)[2], 40, 20))
    assert extended(app) == 0
    assert len(partitions(postgres.app)) >= 3
    close(app)


def heaped(postgres: Roles) -> tuple[Flask, datetime]:
    """A host whose logs, of the middle of this month so far, lie in the last partition: nobody made months."""
    app, now = make_host(postgres.app, AIAGENTS_MIGRATION_URI=postgres.owner), utcnow()
    unmake_months(postgres.owner)
    begin = months(now, 1)[0]
    write(app, past(begin + (now - begin) / 2, 0, 20))
    return app, now


def extended(app: Flask) -> int:
    with app.app_context():
        return extend(app.extensions["aiagents"].database)
