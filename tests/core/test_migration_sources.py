"""The upgrade that tells client-reported activity from the system's own in rollups that exist already."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from support.databases import Roles
from support.forgotten import sums as rows_of
from support.hosts import close, make_host
from support.usage import ask, counted, exact, past, roll_up, sums, write
from test_migrations import DYING, database_of

from flask_aiagents.core import migrate
from flask_aiagents.core.clock import utcnow
from flask_aiagents.features.activity.retention import Retention
from flask_aiagents.features.analytics.period import Period

BEFORE = "0009"
"""The revision whose rollups have no source."""

PERIOD = Period.recent("60d")

DELETED = timedelta(days=30)
"""Logs that are older have been deleted."""

Logs = list[dict[str, Any]]


def _written(app: Flask) -> Logs:
    """Count logs of both sources into rollups, some days of the system alone, and delete the oldest logs."""
    now = utcnow()
    logs = past(now, 50, 120)
    logs = [log | {"source": "system"} if log["created_at"].day % 2 else log for log in logs]
    write(app, logs)
    roll_up(app)
    with app.app_context():
        database = database_of(app)
        assert Retention(database, app.extensions["aiagents"].access, {"*": DELETED.days}).apply(now) > 0
    return logs


def _by_source(logs: Logs, sealed: datetime) -> dict[str, Logs]:
    """What can be known of these logs after the upgrade."""
    known = [log for log in logs if log["created_at"] >= sealed]
    return {source: [log for log in known if log["source"] == source] for source in ("system", "client")}


def _sealed_before(app: Flask) -> datetime:
    with database_of(app).engine.connect() as connection:
        days = connection.execute(sa.text("SELECT max(day) FROM ai_agent_sealed_days")).scalar_one()
    last = datetime.fromisoformat(str(days))
    return (last if last.tzinfo else last.replace(tzinfo=PERIOD.start.tzinfo)) + timedelta(days=1)


def _check(app: Flask, logs: Logs) -> None:
    summary = ask(app, "summary", PERIOD)
    known = _by_source(logs, _sealed_before(app))
    assert exact(summary) == counted(logs)
    for source, some in known.items():
        assert exact(ask(app, "summary", PERIOD, source=source)) == counted(some)
    assert summary["client_reported"]["executions"] == len(known["client"])
    unknown = len(logs) - len(known["client"]) - len(known["system"])
    assert summary["unknown_source"]["executions"] == unknown > 0


@pytest.mark.requirement("R52")
def test_rollups_learn_their_sources(database_uri: str) -> None:
    """Up, down and up again: totals stay, and all that still has logs gets its source at every level."""
    app = make_host(database_uri)
    logs = _written(app)
    for _ in range(2):
        migrate.downgrade(database_of(app), BEFORE)
        migrate.upgrade(database_of(app))
        assert migrate.check(database_of(app)) == []
        _check(app, logs)
        roll_up(app)
        _check(app, logs)
    assert sums(app) == dict.fromkeys(sums(app), counted(logs))
    assert rows_of(app)  # which looks at every row's id
    close(app)


def test_rollups_learn_their_sources_behind_row_level_security(postgres: Roles) -> None:
    """Where another role owns the tables and row-level security is forced, the upgrade finds every row."""
    app = make_host(postgres.app, AIAGENTS_MIGRATION_URI=postgres.owner)
    logs = _written(app)
    migrate.downgrade(database_of(app), BEFORE)
    migrate.upgrade(database_of(app))
    _check(app, logs)
    roll_up(app)
    _check(app, logs)
    close(app)


def test_days_of_the_system_alone_are_not_counted_again(database_uri: str) -> None:
    """Where no client reported anything, the upgrade leaves nothing to do."""
    app = make_host(database_uri)
    logs = [log | {"source": "system"} for log in past(utcnow(), 20, 100)]
    write(app, logs)
    roll_up(app)
    before = rows_of(app)
    migrate.downgrade(database_of(app), BEFORE)
    migrate.upgrade(database_of(app))
    assert rows_of(app) == before
    assert roll_up(app) == 0
    close(app)


@pytest.mark.slow
def test_killed_midway_it_runs_again(database_uri: str) -> None:
    """kill -9 after some statements, several times; run again, it succeeds and every total is right."""
    app = make_host(database_uri)
    logs = _written(app)
    migrate.downgrade(database_of(app), BEFORE)
    tests = Path(__file__).parents[1]
    for statements in (5, 12, 30, 60, 100):
        command = [sys.executable, "-c", DYING, database_uri, str(statements)]
        assert subprocess.run(command, cwd=tests, timeout=60, check=False).returncode == -signal.SIGKILL
    migrate.upgrade(database_of(app))
    assert migrate.check(database_of(app)) == []
    _check(app, logs)
    roll_up(app)
    _check(app, logs)
    close(app)
