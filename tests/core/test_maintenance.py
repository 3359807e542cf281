from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask, current_app
from support.cast import Clients
from support.hosts import close, make_host

from flask_aiagents.core.claims import Claim
from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.maintenance import CLAIM, CLAIM_FOR, Maintenance
from flask_aiagents.core.tenancy import SYSTEM


def _maintenance(app: Flask, task: Callable[[], int], interval_s: float = 0) -> Maintenance:
    maintenance = Maintenance(app.extensions["aiagents"].database, interval_s)
    maintenance.add("task", task)
    return maintenance


def _wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_one_holder_works_and_the_others_pass(any_host: Flask) -> None:
    """While one tick is at work, others do nothing; after it, any may."""
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        return int(go_on.wait(10))

    first, second = _maintenance(any_host, slow), _maintenance(any_host, lambda: 5)
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(first.tick)
        assert begun.wait(10)
        assert second.tick() == {}
        go_on.set()
        assert working.result(10) == {"task": 1}
    assert second.tick() == {"task": 5}


def test_of_many_that_claim_at_once_one_at_a_time_works(any_host: Flask) -> None:
    """Eight threads that tick at one moment never run the task side by side, and none of them fails."""
    inside, most = 0, 0

    def task() -> int:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.02)
        inside -= 1
        return 1

    gate = threading.Barrier(8)

    def tick(_: int) -> dict[str, int]:
        gate.wait(10)
        return _maintenance(any_host, task).tick()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(tick, range(8)))
    assert most == 1
    assert {"task": 1} in results


def test_a_dead_holders_claim_runs_out(host: Flask) -> None:
    """A claim whose holder died holds nobody up once its time has passed, and not earlier."""
    maintenance, database = _maintenance(host, lambda: 1), host.extensions["aiagents"].database

    def hold(until: timedelta) -> None:
        with host.app_context(), database.transaction(SYSTEM) as session:
            session.merge(Claim(name=CLAIM, holder="dead:1:1", until=utcnow() + until))

    hold(CLAIM_FOR)
    assert maintenance.tick() == {}
    hold(timedelta(seconds=-1))
    assert maintenance.tick() == {"task": 1}


def test_a_broken_task_is_logged_and_keeps_none_from_running(
    host: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """A task that raises counts 0, is logged, and the next ones run."""

    def broken() -> int:
        raise ValueError("no")

    maintenance = _maintenance(host, broken)
    maintenance.add("sound", lambda: 2)
    assert maintenance.tick() == {"task": 0, "sound": 2}
    assert "'task' failed" in caplog.text


def test_the_thread_runs_in_the_apps_context_until_it_is_stopped(host: Flask) -> None:
    """A started thread ticks by itself with the app at hand; starting twice makes one thread; stop ends it."""
    names: list[str] = []

    def task() -> int:
        names.append(current_app.name)
        return 1

    maintenance = _maintenance(host, task, 0.01)
    before = _threads()
    maintenance.start()
    maintenance.start()
    assert _threads() == before + 1
    _wait_for(lambda: len(names) > 2)
    maintenance.stop()
    _wait_for(lambda: _threads() == before)
    assert set(names) == {host.name}


def test_the_thread_outlives_a_missing_database(host: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """A tick that fails as a whole is logged, and the thread tries again."""
    database = host.extensions["aiagents"].database
    done: list[int] = []

    def task() -> int:
        done.append(1)
        return 1

    Claim.metadata.tables["ai_agent_claims"].drop(database.engine)
    maintenance = _maintenance(host, task, 0.01)
    maintenance.start()
    _wait_for(lambda: "it tries again" in caplog.text)
    Claim.metadata.tables["ai_agent_claims"].create(database.engine)
    _wait_for(lambda: done)
    maintenance.stop()
    _wait_for(lambda: not _threads())


def test_the_first_request_starts_the_thread_and_init_app_does_not(tmp_path: Path) -> None:
    """Mounting starts no thread; a request to our routes does; an interval of 0 never does."""
    uri = f"sqlite:///{tmp_path}/host.db"
    before = _threads()
    app = make_host(uri, AIAGENTS_MAINTENANCE_INTERVAL_S=30)
    assert _threads() == before
    Clients.of(app).alice.get("/api/ai_agents")
    assert _threads() == before + 1
    close(app)
    _wait_for(lambda: _threads() == before)
    quiet = make_host(uri, AIAGENTS_MAINTENANCE_INTERVAL_S=0)
    Clients.of(quiet).alice.get("/api/ai_agents")
    assert _threads() == before
    close(quiet)


def test_a_tick_leaves_a_claim_that_is_past_by_every_clock(host: Flask) -> None:
    """A holder whose clock runs an hour ahead does not lock the others out after its work."""
    _maintenance(host, lambda: 1).tick()
    database = host.extensions["aiagents"].database
    with host.app_context(), database.transaction(SYSTEM) as session:
        until = session.scalars(sa.select(Claim.until).where(Claim.name == CLAIM)).one()
    assert until < utcnow() - timedelta(hours=1)


def _threads() -> int:
    return sum(thread.name == "aiagents-maintenance" for thread in threading.enumerate())
