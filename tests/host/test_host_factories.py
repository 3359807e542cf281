from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from support.cast import Clients, make_agent
from support.hosts import close, make_host


def _wait_for(what: Callable[[], object]) -> bool:
    until = time.monotonic() + 60
    while not what() and time.monotonic() < until:
        time.sleep(0.01)
    return bool(what())


def _use(app: Flask) -> None:
    """Send what reaches every part that could hold an app: panel, API, an execution, a stream of each kind."""
    alice = Clients.of(app).alice
    agent = make_agent(alice)
    assert alice.get("/aiagents/agents/").status_code == 200
    url = f"/api/ai_agents/{agent['id']}/execute"
    assert alice.post(url, json={"input": "Hello!"}).status_code == 200
    streamed = alice.post(url, json={"input": "Hello!"}, headers={"Accept": "text/event-stream"})
    assert "event: done" in streamed.text
    followed = alice.get("/api/ai_agent_activity_logs/stream", buffered=False)
    assert next(followed.response)
    followed.close()


def _delete(app: Flask, file: Path) -> None:
    """Take the database away as a host's test fixture does, while the app is still there."""
    app.extensions["aiagents"].database.engine.dispose()
    for part in file.parent.glob(f"{file.name}*"):
        part.unlink()


@pytest.fixture
def new_threads() -> Callable[[], list[str]]:
    """Lists our threads since the test began, without the engine's: that is the process's and holds no app."""
    earlier = set(threading.enumerate())

    def names() -> list[str]:
        threads = (thread for thread in threading.enumerate() if thread not in earlier)
        return [
            each.name for each in threads if each.name.startswith("aiagents-") and each.name != "aiagents-engine"
        ]

    return names


@pytest.mark.requirement("R55")
@pytest.mark.parametrize("factories", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_apps_of_a_factory_are_collected(
    factories: int, tmp_path: Path, caplog: pytest.LogCaptureFixture, new_threads: Callable[[], list[str]]
) -> None:
    """Used apps leave nothing behind: no app, no thread, and no file that comes back after it was deleted."""
    caplog.set_level(logging.CRITICAL, "flask_aiagents")  # pytest keeps records, so tracebacks, so apps
    apps: list[weakref.ref[Flask]] = []
    for number in range(factories):
        app = make_host(f"sqlite:///{tmp_path}/{number}.db", AIAGENTS_MAINTENANCE_INTERVAL_S=0.02)
        _use(app)
        _delete(app, tmp_path / f"{number}.db")
        apps.append(weakref.ref(app))
        del app
        gc.collect()  # else dozens of maintenance threads that wait for their end slow each other down

    def live() -> list[Flask]:
        gc.collect()
        return [app for ref in apps if (app := ref()) is not None]

    assert _wait_for(lambda: not live()), live()  # a tick that has just begun holds its app until it ends
    assert _wait_for(lambda: not new_threads()), new_threads()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.requirement("R55")
def test_maintenance_does_not_create_a_deleted_database(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, new_threads: Callable[[], list[str]]
) -> None:
    """The thread of a living app reports that its SQLite file is missing, and the file stays missing."""
    app = make_host(f"sqlite:///{tmp_path}/host.db", AIAGENTS_MAINTENANCE_INTERVAL_S=0.01)
    _use(app)
    _delete(app, tmp_path / "host.db")
    assert _wait_for(lambda: caplog.text.count("unable to open database file") > 3)
    close(app)
    assert _wait_for(lambda: not new_threads())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.requirement("R55")
def test_no_maintenance_thread_starts_under_testing(tmp_path: Path, new_threads: Callable[[], list[str]]) -> None:
    """An app with TESTING serves API, panel, executions and streams without a maintenance thread."""
    app = make_host(f"sqlite:///{tmp_path}/host.db", TESTING=True, AIAGENTS_MAINTENANCE_INTERVAL_S=0.01)
    _use(app)
    assert new_threads() == []
    close(app)
