from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from support.cast import ALICE, Clients, make_agent
from support.hosts import close, make_host
from upstream import Upstream

from flask_aiagents.testing import client_as


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "faults.db"


@pytest.fixture
def app(path: Path) -> Iterator[Flask]:
    """A host on a SQLite file."""
    app = make_host(f"sqlite:///{path}")
    yield app
    close(app)


def test_f16_a_lock_of_three_seconds_loses_nothing(app: Flask, path: Path) -> None:
    """Eight writers meet a lock that is held for 3 s: all get through, and every execution is logged once."""
    agent_id = make_agent(Clients.of(app).alice)["id"]
    held = threading.Event()

    def hold() -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        held.set()
        time.sleep(3)
        connection.execute("COMMIT")
        connection.close()

    def run(_: int) -> tuple[int, str]:
        response = client_as(app, ALICE).post(f"/api/ai_agents/{agent_id}/execute", json={"input": "hi"})
        return response.status_code, response.text

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(5)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(run, range(40)))
    holder.join()
    assert [text for status, text in answers if status != 200] == []
    logs = client_as(app, ALICE).get("/api/ai_agent_activity_logs?action=eq.execute&select=status&limit=200").json
    assert [log["status"] for log in logs or []] == ["success"] * 40


def test_f15_a_full_disk_stops_before_the_model_is_asked(app: Flask, upstream: Upstream) -> None:
    """When the log cannot be written the answer is a 5xx, upstream hears nothing, and the file is not hurt."""
    clients = Clients.of(app)
    model = {"provider": "openai_compatible", "model": "m", "base_url": upstream.base_url}
    agent_id = make_agent(clients.alice, model_config=model)["id"]
    engine = app.extensions["aiagents"].database.engine

    def fill(dbapi_connection: sqlite3.Connection, *_: object) -> None:
        pages = dbapi_connection.execute("PRAGMA page_count").fetchone()[0]
        dbapi_connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(engine, "checkout", fill)
    answers = [
        clients.alice.post(f"/api/ai_agents/{agent_id}/execute", json={"input": "x" * 60_000}) for _ in range(3)
    ]
    assert {answer.status_code for answer in answers} <= {500, 503}
    assert all("hint" in answer.json for answer in answers)
    assert upstream.requests == []
    event.remove(engine, "checkout", fill)
    engine.dispose()
    with engine.connect() as connection:
        assert connection.scalar(sa.text("PRAGMA integrity_check")) == "ok"
    assert clients.alice.post(f"/api/ai_agents/{agent_id}/execute", json={"input": "hi"}).status_code == 200
