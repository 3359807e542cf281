from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from attacks.inputs.filters import ANALYTICS, HOSTILE_TEXT, LOGS
from flask import Flask
from support.cast import Clients
from support.hosts import close, make_host

from flask_aiagents.core.tenancy import SYSTEM

SLOW = "request_data->>input=like.*" + "a" * 97 + "b*"
"""Takes seconds on the payloads below, and milliseconds on each row."""

LIMIT_S = 0.5
"""Far more than a page of the log takes on a busy machine, far less than a search with the pattern."""

SLOW_STATEMENTS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000000) SELECT max(i) FROM n",
    "postgresql": "SELECT CAST(pg_sleep(0.7) AS text)",
    "mysql": "SELECT SLEEP(0.7)",
}
"""Statements that take longer than the limit; MariaDB answers 1 where SLEEP was interrupted."""

DONE = {"sqlite": 5_000_000, "postgresql": "", "mysql": 0}


@pytest.fixture
def limited(database_uri: str) -> Iterator[Flask]:
    """A host whose statements may take half a second, with a log that takes seconds to search."""
    app = make_host(database_uri, AIAGENTS_STATEMENT_TIMEOUT_S=str(LIMIT_S))
    alice, row = Clients.of(app).alice, {"action": "chat", "request_data": {"input": HOSTILE_TEXT}}
    for _ in range(4):
        assert alice.post(f"/api{LOGS}", json=[row] * 10).status_code == 201
    yield app
    close(app)


def _assert_too_expensive(response: Any) -> None:
    assert response.status_code == 400, response.text
    assert response.json["code"] == "query_too_expensive"
    assert "Narrow it" in response.json["hint"]
    assert "Retry-After" not in response.headers


@pytest.mark.requirement("R44")
def test_a_list_or_an_export_that_takes_too_long_is_stopped(limited: Flask) -> None:
    """The database ends the statement; the answer says what to narrow, and the next request is served."""
    clients = Clients.of(limited)
    for path in (LOGS, f"{LOGS}/export", f"{LOGS}/stream"):
        _assert_too_expensive(clients.alice.get(f"/api{path}?{SLOW}"))
        _assert_too_expensive(clients.root.get(f"/api{path}?{SLOW}"))
    _assert_too_expensive(clients.alice.get(f"/api{LOGS}?select=id&{SLOW.replace('like', 'not.ilike')}"))
    assert len(clients.alice.get(f"/api{LOGS}?select=id&limit=5").json) == 5


@pytest.mark.requirement("R44")
def test_the_limit_ends_with_the_transaction(limited: Flask) -> None:
    """Statements of the host, and those of ours that have no limit, may take longer on the same connection."""
    clients, database = Clients.of(limited), limited.extensions["aiagents"].database
    _assert_too_expensive(clients.alice.get(f"/api{LOGS}?{SLOW}"))
    assert clients.alice.get(f"/api{LOGS}?limit=1").status_code == 200
    kind = database.engine.dialect.name
    with database.engine.connect() as connection:
        assert connection.scalar(sa.text(SLOW_STATEMENTS[kind])) == DONE[kind]
    with limited.app_context(), database.transaction(SYSTEM) as session:
        assert session.connection().scalar(sa.text(SLOW_STATEMENTS[kind])) == DONE[kind]


@pytest.mark.requirement("R44")
def test_analytics_are_stopped_and_maintenance_is_not(database_uri: str) -> None:
    """With a limit that no sum of so many runs keeps to, metrics are refused and the roller counts all logs."""
    app = make_host(database_uri, AIAGENTS_STATEMENT_TIMEOUT_S="0.001")
    alice = Clients.of(app).alice
    runs = [{"action": "execute", "status": "error", "error": f"e{n % 97}"} for n in range(10_000)]
    assert alice.post(f"/api{LOGS}", json=runs, headers={"Prefer": "return=minimal"}).status_code == 201
    for report in ("summary", "errors", "usage?by=user"):
        _assert_too_expensive(alice.get(f"/api{ANALYTICS}/{report}"))
    with app.app_context():
        assert app.extensions["aiagents"].analytics.roll_up(seconds=None) == 10_000
    close(app)


def test_an_in_memory_database_keeps_no_limit() -> None:
    """Its one connection is never checked in: a statement of the host is not stopped by the limit of ours."""
    app = make_host("sqlite://", AIAGENTS_STATEMENT_TIMEOUT_S=str(LIMIT_S))
    assert Clients.of(app).alice.get(f"/api{LOGS}").json == []
    with app.extensions["aiagents"].database.engine.connect() as connection:
        assert connection.scalar(sa.text(SLOW_STATEMENTS["sqlite"])) == DONE["sqlite"]
    close(app)


def test_zero_is_no_limit(database_uri: str) -> None:
    """A setting of 0 leaves statements alone."""
    app = make_host(database_uri, AIAGENTS_STATEMENT_TIMEOUT_S="0")
    row = {"action": "chat", "request_data": {"input": HOSTILE_TEXT}}
    alice = Clients.of(app).alice
    assert alice.post(f"/api{LOGS}", json=[row] * 5).status_code == 201
    assert alice.get(f"/api{LOGS}?{SLOW}").json == []
    close(app)
