from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from support.cast import ALICE, ROOT, Clients, make_agent
from support.databases import Roles
from support.dying import Died, dying_at
from support.hosts import close, make_host
from support.logs import begin, execution, finish, running_of
from support.usage import analytics_of, ask, counted, exact, past, roll_up, sums, write

from flask_aiagents.core import migrate
from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.activity.models import ActivityLog, UnrolledLog
from flask_aiagents.features.analytics.models import Usage
from flask_aiagents.features.analytics.period import Period


def waiting(app: Flask) -> int:
    """Logs that wait to be rolled up."""
    with app.app_context(), app.extensions["aiagents"].database.transaction(SYSTEM) as session:
        return session.scalar(sa.select(sa.func.count()).select_from(UnrolledLog)) or 0


def all_of(app: Flask) -> dict[str, Any]:
    """What root is told of everything."""
    return exact(ask(app, "summary", Period.recent("60d"), principal=ROOT))


def test_a_roller_that_dies_at_any_statement_leaves_all_or_nothing(any_host: Flask) -> None:
    """Whichever statement is its last, figures stay right, and the next roller goes on as if nothing had been."""
    logs = past(utcnow(), 2, 60)
    write(any_host, logs[:30])
    roll_up(any_host)
    number, done = 0, False
    write(any_host, logs[30:])
    while not done:
        number += 1
        with dying_at(any_host, number):
            try:
                roll_up(any_host)
                done = True
            except Died:
                pass
        assert all_of(any_host) == counted(logs), number
        left = waiting(any_host)
        assert sums(any_host)["tenant", "day"]["executions"] == 60 - left
        assert left in (0, 30)
    assert number >= 8
    assert sums(any_host) == dict.fromkeys(sums(any_host), counted(logs))


def test_two_rollers_at_once_count_each_log_once(any_host: Flask) -> None:
    """Four threads that roll up side by side, while logs are written, end with the sums of the log."""
    logs = past(utcnow(), 1, 400)
    gate = threading.Barrier(5)

    def roll(_: int) -> int:
        gate.wait(10)
        return sum(roll_up(any_host, size=20) for _ in range(8))

    def post() -> None:
        gate.wait(10)
        for start in range(200, 400, 20):
            write(any_host, logs[start : start + 20])

    write(any_host, logs[:200])
    with ThreadPoolExecutor(5) as pool:
        posting = pool.submit(post)
        rolled = sum(pool.map(roll, range(4)))
        posting.result(30)
    rolled += roll_up(any_host)
    assert rolled == 400
    assert waiting(any_host) == 0
    assert sums(any_host) == dict.fromkeys(sums(any_host), counted(logs))


def test_figures_read_while_a_roller_works_never_waver(postgres: Roles) -> None:
    """A reader sees each log exactly once, whether it asks before, during or after a batch."""
    app, logs = make_host(postgres.owner), past(utcnow(), 1, 300)
    write(app, logs)
    expected = counted(logs)
    with ThreadPoolExecutor(1) as pool:
        rolling = pool.submit(roll_up, app, size=10)
        while not rolling.done():
            assert all_of(app) == expected
        assert rolling.result() == 300
    close(app)


def test_a_log_that_commits_late_is_not_missed(postgres: Roles) -> None:
    """What began and was written first, but commits after a roller has passed, is counted by the next."""
    app = make_host(postgres.owner)
    early, late = past(utcnow() - timedelta(hours=1), 1, 5), past(utcnow(), 1, 5, seed=2)
    written, go_on = threading.Event(), threading.Event()
    database = app.extensions["aiagents"].database

    def slow() -> None:
        with app.app_context(), database.transaction(SYSTEM):
            write(app, early)
            written.set()
            assert go_on.wait(10)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(slow)
        assert written.wait(10)
        write(app, late)
        assert roll_up(app) == 5
        go_on.set()
        writing.result(10)
    assert all_of(app) == counted(early + late)
    assert roll_up(app) == 5
    assert all_of(app) == counted(early + late)
    close(app)


def test_whatever_ends_is_counted_however_it_ended(any_host: Flask, any_clients: Clients) -> None:
    """Executions, given up or posted ones too, alone and in bulk; not running ones, not others."""
    agent = make_agent(any_clients.alice)["id"]
    execution(any_host, agent)
    begin(any_host, agent)
    begin(any_host, agent, lease=timedelta(seconds=-1))
    assert finish(any_host, begin(any_host, agent, action="test"))
    again = execution(any_host, agent, status="error", error="timeout")
    assert not finish(any_host, again)
    with any_host.app_context():
        assert running_of(any_host).end_expired() == 1
    url = "/api/ai_agent_activity_logs"
    posted = {"action": "execute", "agent_id": agent, "status": "cancelled"}
    any_clients.alice.post(url, json=posted)
    any_clients.alice.post(url, json=[posted, {"action": "click"}, posted])
    for _ in range(2):
        figures = ask(any_host, "summary", Period.recent("2d"), principal=ALICE)
        assert (figures["executions"], figures["succeeded"]) == (6, 1)
        assert figures["errors"] == {"interrupted": 1, "timeout": 1, "cancelled": 3}
        any_host.extensions["aiagents"].maintenance.tick()
    assert waiting(any_host) == 0


def test_a_tick_rolls_up_a_bounded_part_and_the_rest_is_told_meanwhile(host: Flask) -> None:
    """Maintenance never takes long; what it leaves is in the figures all the same."""
    logs = past(utcnow(), 3, 50)
    write(host, logs)
    assert roll_up(host, seconds=0, size=20) == 20
    assert (waiting(host), all_of(host)) == (30, counted(logs))
    assert roll_up(host, seconds=60, size=20) == 30


def test_an_idle_roller_writes_nothing(host: Flask) -> None:
    """Without anything new, a tick takes no lock that a writer could meet."""
    statements: list[str] = []
    engine = host.extensions["aiagents"].database.engine
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert roll_up(host) == 0
    assert [text for text in statements if not text.startswith("SELECT")] == []


def _spoil(app: Flask) -> None:
    """What a mistake or a process of an older version leaves: sums that lack some and have others twice."""
    with app.app_context(), app.extensions["aiagents"].database.transaction(SYSTEM) as session:
        session.execute(sa.delete(Usage).where(Usage.level == "agent"))
        session.execute(sa.update(Usage).where(Usage.level == "all").values(executions=Usage.executions + 1))


def test_a_rebuild_makes_the_sums_right_again(any_host: Flask) -> None:
    """Days summed anew have what the log has; what waits to be rolled up stays with that."""
    logs = past(utcnow(), 2, 80)
    write(any_host, logs[:60])
    roll_up(any_host)
    right = sums(any_host)
    write(any_host, logs[60:])
    _spoil(any_host)
    assert sums(any_host) != right
    with any_host.app_context():
        rebuilt = analytics_of(any_host).rebuild(utcnow() - timedelta(days=3), utcnow())
    assert (rebuilt, waiting(any_host)) == (60, 20)
    assert sums(any_host) == right
    assert all_of(any_host) == counted(logs)
    roll_up(any_host)
    assert sums(any_host) == dict.fromkeys(right, counted(logs))


def test_a_rebuild_that_dies_leaves_what_was(host: Flask) -> None:
    """Its day is summed anew as a whole or not at all, and the other days are not touched."""
    logs = past(utcnow(), 3, 60)
    write(host, logs)
    roll_up(host)
    right, number, done = sums(host), 0, False
    while not done:
        number += 1
        with dying_at(host, number), host.app_context():
            try:
                analytics_of(host).rebuild(utcnow() - timedelta(days=1), utcnow())
                done = True
            except Died:
                pass
        assert sums(host) == right, number
    assert number > 5


def test_logs_from_before_the_sums_are_counted_too(database_uri: str) -> None:
    """The upgrade notes what had ended before it, once, also when it runs again; a downgrade leaves the log."""
    app, logs = make_host(database_uri), past(utcnow(), 2, 40)
    database = app.extensions["aiagents"].database
    begin(app, str(logs[0]["agent_id"] or logs[1]["agent_id"]))
    write(app, logs)
    roll_up(app)
    with app.app_context():
        migrate.downgrade(database, "0001")
        for _ in range(2):
            migrate.upgrade(database)
    assert (waiting(app), all_of(app)) == (40, counted(logs))
    assert roll_up(app) == 40
    assert all_of(app) == counted(logs)
    with app.app_context(), database.transaction(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(ActivityLog)) == 41
    close(app)


def test_the_database_itself_keeps_tenants_sums_apart(postgres: Roles) -> None:
    """On PostgreSQL the sums and the notes stand behind row-level security, whoever asks."""
    app, logs = make_host(postgres.app, AIAGENTS_MIGRATION_URI=postgres.owner), past(utcnow(), 1, 60)
    write(app, logs[:30])
    roll_up(app)
    write(app, logs[30:])
    for table in ("ai_agent_usage", "ai_agent_unrolled_logs"):
        with app.extensions["aiagents"].database.engine.begin() as connection:
            seen = sa.text(f"SELECT DISTINCT tenant_id FROM {table}")
            assert connection.scalars(seen).all() == []
            for name, value in (("tenant_id", "acme"), ("scope", "tenant")):
                connection.execute(sa.text(f"SELECT set_config('aiagents.{name}', '{value}', true)"))
            assert connection.scalars(seen).all() == ["acme"]
    close(app)
