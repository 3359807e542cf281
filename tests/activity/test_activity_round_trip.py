from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from support.cast import ALICE, ROOT, Clients, make_agent
from support.hosts import close, make_host
from support.logs import activity_of, begin, execution
from support.reimport import logs_of

from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.activity.models import ActivityLog
from flask_aiagents.types import JSONObject
from flask_aiagents.web.filtering import Query

URL = "/api/ai_agent_activity_logs"

TEXTS = ["=1+1", "'=1+1", "''-1", " @a", "\u00a0+a", "\ta", "\ra", 'q " , \r\n q', "ü😀", "'plain", "null", " a "]
"""What CSV and spreadsheets are tried with."""


@pytest.fixture
def other_host(tmp_path: Any) -> Iterator[Flask]:
    """A further host, with nothing in it."""
    app = make_host(f"sqlite:///{tmp_path}/other.db")
    yield app
    close(app)


def fill(app: Flask) -> None:
    """Logs of every kind: of executions that went well, failed and still run, of changes and of clients."""
    clients = Clients.of(app)
    agent = make_agent(clients.alice, "=Agent")["id"]
    ago = utcnow() - timedelta(days=40)
    attempts = [{"provider": "openai", "error": "rate_limited", "duration_ms": 3}]
    execution(app, agent, at=ago, attempts=attempts, response_data={"output": "a\nb", "n": 1.5, "deep": [None]})
    execution(app, agent, principal=ALICE, status="error", error="timeout", cost_usd=None, unpriced=True)
    begin(app, agent)
    logs: list[JSONObject] = [{"action": "note", "error": text, "request_data": text} for text in TEXTS]
    logs += [{"action": "x", "request_data": value} for value in (-5, 0.1, True, [], {"=a": '"'}, "", "-5")]
    logs += [{"action": "x", "cost_usd": "0.000000000001"}, {"action": "x", "cost_usd": "9223371.999999999999"}]
    logs += [{"action": "x", "tokens_used": n} for n in (0, 2**53, *range(190))]
    for client in (clients.alice, clients.charlie):
        assert client.post(URL, json=logs).status_code == 201


def export(app: Flask, format: str) -> str:
    with app.app_context():
        return b"".join(activity_of(app).export(format=format, principal=ROOT)).decode()


def reimport(app: Flask, rows: list[JSONObject]) -> None:
    with app.app_context(), app.extensions["aiagents"].database.transaction(SYSTEM) as session:
        session.insert_rows(ActivityLog, rows)


def all_of(app: Flask) -> list[JSONObject]:
    """Every log with every column, as Python values."""
    with app.app_context():
        rows, cursor = [], None
        while True:
            page = activity_of(app).list(Query(order=(("id", True),), limit=200, cursor=cursor), principal=ROOT)
            rows += page.items
            if (cursor := page.next_cursor) is None:
                return rows


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_an_export_read_back_is_the_log(any_host: Flask, other_host: Flask, format: str) -> None:
    """Every column of every row is the same in a database that was filled from the file of another one."""
    fill(any_host)
    reimport(other_host, logs_of(export(any_host, format), format))
    assert all_of(other_host) == all_of(any_host)
    assert export(other_host, format) == export(any_host, format)


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_any_database_takes_an_export_back(host: Flask, any_host: Flask, format: str) -> None:
    """And so it is in the other direction."""
    fill(host)
    reimport(any_host, logs_of(export(host, format), format))
    assert all_of(any_host) == all_of(host)
