from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session
from support.cast import Clients, make_agent
from support.databases import Roles, fresh, run_sql
from support.hosts import close, make_host
from support.usage import ask, counted, exact, past, roll_up, sums, write

from flask_aiagents.core import migrate
from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.columns import Base
from flask_aiagents.core.db import Database
from flask_aiagents.core.rls import inspect_wall, owned_tables
from flask_aiagents.core.tenancy import SYSTEM, Scope
from flask_aiagents.features.activity.models import SealedDay
from flask_aiagents.features.activity.retention import Retention
from flask_aiagents.features.analytics.period import Period

DYING = """
import os, signal, sys
import sqlalchemy as sa
from sqlalchemy import event
from support.hosts import make_host

uri, left = sys.argv[1], int(sys.argv[2])
app = make_host(uri, migrated=False)
database = app.extensions["aiagents"].database

@event.listens_for(database.engine, "before_cursor_execute")
def count(*_):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

from flask_aiagents.core.migrate import upgrade
upgrade(database)
"""


def database_of(app: Flask) -> Database:
    return app.extensions["aiagents"].database


@pytest.fixture
def empty(database_uri: str) -> Flask:
    """A host whose tables are still missing."""
    return make_host(database_uri, migrated=False)


def test_the_tables_are_what_the_models_say(empty: Flask) -> None:
    """After an upgrade, and after another, the check finds no difference and the revision is the newest."""
    database = database_of(empty)
    assert migrate.current(database) is None
    for _ in range(2):
        migrate.upgrade(database)
        assert migrate.check(database) == []
        assert migrate.current(database) == migrate.head()
    close(empty)


def test_down_and_up_again(empty: Flask) -> None:
    """A downgrade takes all that is ours away and nothing else; an upgrade brings it back."""
    database = database_of(empty)
    with database.engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE hosts_own (id INTEGER)"))
        connection.execute(sa.text("INSERT INTO hosts_own VALUES (1)"))
    migrate.upgrade(database)
    migrate.downgrade(database, "base")
    left = set(sa.inspect(database.engine).get_table_names())
    assert left == {"hosts_own", migrate.VERSION_TABLE}
    migrate.upgrade(database)
    assert migrate.check(database) == []
    with database.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM hosts_own")) == 1
    close(empty)


def test_days_that_logs_have_left_stay_as_long_as_the_sums(empty: Flask) -> None:
    """A downgrade to before days were noted forgets none: nobody sums them anew after the next upgrade."""
    database, day = database_of(empty), datetime(2026, 1, 1, tzinfo=UTC)
    migrate.upgrade(database)
    with empty.app_context(), database.transaction(SYSTEM) as session:
        session.add(SealedDay(day=day))
    migrate.downgrade(database, "0002")
    migrate.upgrade(database)
    with empty.app_context(), database.transaction(SYSTEM) as session:
        assert session.scalars(sa.select(SealedDay.day)).all() == [day]
    migrate.downgrade(database, "0001")
    assert not sa.inspect(database.engine).has_table("ai_agent_sealed_days")
    close(empty)


def test_what_was_summed_before_actions_were_told_apart_is_summed_anew(empty: Flask) -> None:
    """The first upgrade brings sums by action, and of users by hour, of all that was logged; no other does."""
    database, logs = database_of(empty), [log | {"source": "system"} for log in past(utcnow(), 3, 50)]
    migrate.upgrade(database)
    write(empty, logs)
    roll_up(empty)
    migrate.downgrade(database, "0002")
    with database.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE ai_agent_usage DROP COLUMN action"))
    migrate.upgrade(database)
    for rolled in (50, 0):
        assert exact(ask(empty, "summary", Period.recent("5d"))) == counted(logs)
        lines = ask(empty, "usage", Period.recent("5d"), by="action")
        assert [(line["key"], line["executions"]) for line in lines] == [("execute", 50)]
        assert roll_up(empty) == rolled
        migrate.downgrade(database, "0002")
        migrate.upgrade(database)
    close(empty)


def test_weeks_are_summed_from_days_whose_logs_may_have_left(empty: Flask) -> None:
    """The upgrade sums weeks, also those of deleted logs; to do it again changes nothing."""
    database, logs = database_of(empty), [log | {"source": "system"} for log in past(utcnow(), 40, 400)]
    migrate.upgrade(database)
    write(empty, logs)
    roll_up(empty)
    with empty.app_context():
        assert Retention(database, empty.extensions["aiagents"].access, {"*": 10}).apply() > 0
    for _ in range(2):
        migrate.downgrade(database, "0004")
        migrate.upgrade(database)
        assert exact(ask(empty, "summary", Period.recent("50d"))) == counted(logs)
        assert sums(empty) == dict.fromkeys(sums(empty), counted(logs))
    assert migrate.check(database) == []
    close(empty)


@pytest.mark.parametrize(("source", "counted_after"), [("system", 100), ("client", 300)])
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_weeks_have_what_is_rolled_up_while_they_are_made(
    kind: str, source: str, counted_after: int, tmp_path: Path
) -> None:
    """A roller that starts in the middle of the upgrade waits for its end, and all counts in its week.

    It counts what was not counted yet and, of days on which clients reported anything, everything.
    """
    with fresh(kind, tmp_path) as uri, ThreadPoolExecutor() as pool:
        app, logs = make_host(uri), [log | {"source": source} for log in past(utcnow(), 20, 300)]
        write(app, logs[:200])
        roll_up(app)
        migrate.downgrade(database_of(app), "0004")
        write(app, logs[200:])
        rollers: list[Future[int]] = []

        def start(*args: Any) -> None:
            if "SELECT DISTINCT" in args[2] and not rollers:
                rollers.append(pool.submit(roll_up, app))
                wait(rollers, timeout=1)

        event.listen(database_of(app).engine, "after_cursor_execute", start)
        migrate.upgrade(database_of(app))
        assert rollers[0].result(timeout=30) == counted_after
        assert exact(ask(app, "summary", Period.recent("30d"))) == counted(logs)
        assert sums(app) == dict.fromkeys(sums(app), counted(logs))
        close(app)


@pytest.mark.parametrize("statements", [4, 9, 14])
def test_f22_a_migration_killed_midway_runs_again(database_uri: str, statements: int) -> None:
    """kill -9 after some statements; run again, it succeeds, and the check is clean."""
    tests = Path(__file__).parents[1]
    killed = subprocess.run(
        [sys.executable, "-c", DYING, database_uri, str(statements)], cwd=tests, timeout=60, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    app = make_host(database_uri)
    assert migrate.check(database_of(app)) == []
    make_agent(Clients.of(app).alice)
    close(app)


def test_f23_several_migrations_at_once_do_not_crash(database_uri: str) -> None:
    """Four upgrades race on an empty database: all end well and the tables are right."""
    apps = [make_host(database_uri, migrated=False) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda app: migrate.upgrade(database_of(app)), apps))
    assert migrate.check(database_of(apps[0])) == []
    for app in apps:
        close(app)


@pytest.fixture
def two_roles(postgres: Roles) -> Flask:
    """A host whose tables belong to another role."""
    return make_host(postgres.app, AIAGENTS_MIGRATION_URI=postgres.owner)


def test_r20_row_level_security_stands_on_every_tenant_table(two_roles: Flask) -> None:
    """The application's role owns nothing, bypasses nothing, and finds each tenant table walled."""
    with database_of(two_roles).engine.connect() as connection:
        wall = inspect_wall(connection, owned_tables(Base))
        systems = {migrate.VERSION_TABLE, "ai_agent_claims", "ai_agent_sealed_days"}
        tables = set(sa.inspect(connection).get_table_names()) - systems
        tenant_tables = connection.scalars(
            sa.text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        ).all()
    assert (wall.in_force, wall.owns, wall.open_tables, wall.open_to_users) == (True, False, (), ())
    assert owned_tables(Base) == ["ai_agent_activity_logs", "ai_agent_usage"]
    assert tables == set(tenant_tables)
    clients = Clients.of(two_roles)
    make_agent(clients.alice)
    assert clients.charlie.get("/api/ai_agents").json == []
    close(two_roles)


@pytest.mark.requirement("R20")
def test_a_users_log_is_its_own_in_the_database(two_roles: Flask, postgres: Roles) -> None:
    """SQL in a user's session reads and writes no log or rollup of another user, on any partition."""
    clients, database = Clients.of(two_roles), database_of(two_roles)
    agent = make_agent(clients.alice)
    for who in (clients.alice, clients.bob):
        assert who.post(f"/api/ai_agents/{agent['id']}/execute", json={"input": "hi"}).status_code == 200
    roll_up(two_roles)
    with database.session(Scope(tenant_id="acme", user_id="bob")) as session:
        raw = Session.connection(session)
        for table in owned_tables(Base):
            users = raw.scalars(sa.text(f"SELECT DISTINCT user_id FROM {table}")).all()
            assert users == ["bob"], table
            assert raw.execute(sa.text(f"DELETE FROM {table} WHERE user_id <> 'bob'")).rowcount == 0
    run_sql(
        postgres.owner,
        "DROP POLICY aiagents_tenant_select ON ai_agent_usage",
        "CREATE POLICY aiagents_tenant_select ON ai_agent_usage FOR SELECT USING (true)",
    )
    with database.engine.connect() as connection:
        assert inspect_wall(connection, owned_tables(Base)).open_to_users == ("ai_agent_usage",)
    close(two_roles)


def test_the_wall_tells_when_it_does_not_stand(two_roles: Flask, postgres: Roles) -> None:
    """A superuser is told that nothing is in force, and an opened table is named."""
    admin = sa.create_engine(postgres.admin, poolclass=sa.NullPool)
    with admin.connect() as connection:
        assert inspect_wall(connection).in_force is False
    run_sql(postgres.owner, "ALTER TABLE ai_agents NO FORCE ROW LEVEL SECURITY")
    with database_of(two_roles).engine.connect() as connection:
        assert inspect_wall(connection).open_tables == ("ai_agents",)
    close(two_roles)


def test_an_ended_log_is_frozen_in_the_database(two_roles: Flask, postgres: Roles) -> None:
    """On PostgreSQL not even SQL changes a log that has ended."""
    clients = Clients.of(two_roles)
    make_agent(clients.alice)
    with pytest.raises(DatabaseError, match="does not change"):
        run_sql(postgres.admin, "UPDATE ai_agent_activity_logs SET status = 'error'")
    close(two_roles)
