from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from support.cast import Clients, make_agent
from support.hosts import close, make_host
from upstream import Upstream, say

from flask_aiagents.features.execution import stream as streaming

OPTIONS = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.1}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """A host with one database connection, for which nobody waits long."""
    app = make_host(f"sqlite:///{tmp_path}/pool.db", SQLALCHEMY_ENGINE_OPTIONS=OPTIONS)
    yield app
    close(app)


def _hog(app: Flask, seconds: float) -> None:
    """Take the connection for a while."""
    connection = app.extensions["aiagents"].database.engine.connect()
    threading.Timer(seconds, connection.close).start()


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_an_empty_pool_at_the_end_loses_no_log(app: Flask, upstream: Upstream, accept: str) -> None:
    """When every connection is taken as the answer comes, the log is ended once one is free: it is paid for."""
    alice: Any = Clients.of(app).alice
    model = {"provider": "openai", "model": "gpt-4o-mini", "base_url": upstream.base_url}
    agent_id = make_agent(alice, model_config=model)["id"]
    alice.put(f"/api/ai_agents/{agent_id}/credential", json={"api_key": "sk-12345678"})

    def answer(_: object) -> str:
        _hog(app, 0.5)
        return "Here you are."

    upstream.behave(say(answer))
    response = alice.post(f"/api/ai_agents/{agent_id}/execute", json={"input": "hi"}, headers={"Accept": accept})
    assert response.status_code == 200
    assert "Here" in response.text
    (log,) = alice.get("/api/ai_agent_activity_logs?action=eq.execute").json
    assert (log["status"], log["tokens_used"]) == ("success", 18)


def test_an_empty_pool_in_the_middle_breaks_no_stream(
    app: Flask, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream whose progress cannot be noted goes on to its end."""
    monkeypatch.setattr(streaming, "PROGRESS_EVERY_S", 0.1)
    alice: Any = Clients.of(app).alice
    model = {"provider": "openai_compatible", "model": "m", "base_url": upstream.base_url}
    agent_id = make_agent(alice, model_config=model)["id"]

    def answer(_: object) -> str:
        _hog(app, 0.5)
        return "one two three four five six seven eight"

    upstream.behave(say(answer, delay=0.1))
    started = time.monotonic()
    response = alice.post(
        f"/api/ai_agents/{agent_id}/execute", json={"input": "hi"}, headers={"Accept": "text/event-stream"}
    )
    assert "event: done" in response.text
    assert time.monotonic() - started > 0.8
    (log,) = alice.get("/api/ai_agent_activity_logs?action=eq.execute").json
    assert log["status"] == "success"
