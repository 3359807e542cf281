"""One transaction opens an execution, one closes it, and no connection is held in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from support.cast import ALICE, Clients, make_agent
from support.hosts import close, make_host
from support.keys import Machine, made
from upstream import Upstream

from flask_aiagents import AIAgents, Policy, Principal
from flask_aiagents.testing import client_as


def engine_of(app: Flask) -> Any:
    return app.extensions["aiagents"].database.engine


@contextmanager
def counted(app: Flask) -> Iterator[Counter[str]]:
    """Count what the database is asked inside: connections, commits, rollbacks and statements."""
    counts: Counter[str] = Counter()
    listeners = [
        (name, lambda *_, name=name: counts.update([name]))
        for name in ("checkout", "commit", "before_cursor_execute")
    ]
    for name, listener in listeners:
        event.listen(engine_of(app), name, listener)
    yield counts
    for name, listener in listeners:
        event.remove(engine_of(app), name, listener)


def run(client: Any, agent: dict[str, Any]) -> None:
    path = f"/api/ai_agents/{agent['id']}/execute"
    answer = (
        client("POST", path, {"input": "hi"})
        if isinstance(client, Machine)
        else client.post(path, json={"input": "hi"})
    )
    assert answer.status_code == 200, answer.text


@pytest.fixture
def model(upstream: Upstream) -> dict[str, Any]:
    """The configuration of a model for which stored keys are looked up."""
    return {"provider": "openai_compatible", "model": "m", "base_url": upstream.base_url}


@pytest.mark.requirement("R13")
@pytest.mark.parametrize("identified_by", ["key", "login"])
def test_an_execution_takes_two_transactions(any_host: Flask, model: dict[str, Any], identified_by: str) -> None:
    """Two connections and two commits; 5 statements, 8 on PostgreSQL, which is told the scope, too."""
    clients = Clients.of(any_host)
    agent = make_agent(clients.alice, model_config=model)
    credential = {"provider": "openai_compatible", "api_key": "sk-12345678", "base_url": model["base_url"]}
    assert clients.alice.post("/api/ai_agent_credentials", json=credential).status_code in (200, 201)
    who = Machine(any_host, made(clients.alice)["token"]) if identified_by == "key" else clients.alice
    run(who, agent)  # the first use of a key is noted
    with counted(any_host) as counts:
        run(who, agent)
    statements = 8 if engine_of(any_host).dialect.name == "postgresql" else 5
    assert counts["checkout"] == counts["commit"] == 2
    assert counts["before_cursor_execute"] <= statements


def test_reading_by_a_key_takes_one_transaction(any_host: Flask) -> None:
    """The key and what it reads are looked up in one transaction, by lists and for one agent."""
    clients = Clients.of(any_host)
    agent = make_agent(clients.alice)
    machine = Machine(any_host, made(clients.alice)["token"])
    for path in ("/api/ai_agents", f"/api/ai_agents/{agent['id']}", "/api/ai_agent_activity_logs"):
        assert machine("GET", path).status_code == 200
        with counted(any_host) as counts:
            assert machine("GET", path).status_code == 200
        assert (path, counts["checkout"]) == (path, 1)


FAILING: dict[str, tuple[str, str, Any, int]] = {
    "an absent agent": (
        "POST",
        "/api/ai_agents/01990000-0000-7000-8000-000000000000/execute",
        {"input": "x"},
        404,
    ),
    "a wrong body": ("POST", "/api/ai_agents/01990000-0000-7000-8000-000000000000/execute", {"put": "x"}, 422),
    "a wrong query": ("GET", "/api/ai_agents?colour=eq.red", None, 400),
    "an absent route": ("GET", "/api/ai_agent_activity_logs/export?format=stone", None, 400),
    "a long body": ("POST", "/api/ai_agents", {"name": "x" * 100_000}, 422),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_request_that_fails_holds_no_connection(any_host: Flask, name: str) -> None:
    """Wherever it ends, the connection of its key is given back with it."""
    method, path, body, status = FAILING[name]
    machine = Machine(any_host, made(Clients.of(any_host).alice)["token"])
    machine("GET", "/api/ai_agents")
    assert machine(method, path, body).status_code == status
    assert engine_of(any_host).pool.checkedout() == 0


class Watched:
    """Callbacks of a host that note how many connections of the pool are in use when they are called."""

    def __init__(self) -> None:
        self.app: Any = None
        self.held: dict[str, set[int]] = {}

    def _note(self, name: str) -> None:
        if self.app is not None:
            self.held.setdefault(name, set()).add(engine_of(self.app).pool.checkedout())

    def current_role(self, _user: str, _tenant: str | None) -> str:
        self._note("current_role")
        return "tenant_admin"

    def redact(self, payload: Any) -> Any:
        self._note("redact")
        return payload

    def identity(self) -> Principal:
        self._note("identity")
        return ALICE


def test_the_hosts_callbacks_are_called_without_a_connection(tmp_path: Any, upstream: Upstream) -> None:
    """They may need one from the same pool: to hold another meanwhile could leave every request without."""
    watched = Watched()
    aiagents = AIAgents(identity=watched.identity, current_role=watched.current_role, redact=watched.redact)
    app = make_host(f"sqlite:///{tmp_path}/watched.db", aiagents=aiagents, AIAGENTS_ROLE_CACHE_S=0)
    alice = client_as(app, ALICE)
    agent = make_agent(alice)
    key = made(alice)["token"]
    watched.app = app
    run(Machine(app, key), agent)
    assert app.test_client().get("/api/ai_agents").status_code == 200
    assert watched.held == {"current_role": {0}, "redact": {0}, "identity": {0}}
    close(app)


class Writing(Policy):
    """A policy that writes to the same database whenever it is asked."""

    engine: Any = None

    def allows(self, principal: Principal, permission: Any, row: object | None = None) -> bool:
        if self.engine is not None:
            with self.engine.begin() as connection:
                connection.execute(sa.text("INSERT INTO asked VALUES (1)"))
        return super().allows(principal, permission, row)


def test_a_host_that_begins_sqlite_transactions_itself_is_served(tmp_path: Any) -> None:
    """With SQLAlchemy's recipe even a read begins a transaction, in which a write fails once another one wrote."""
    policy = Writing()
    app = make_host(f"sqlite:///{tmp_path}/recipe.db", aiagents=AIAgents(policy=policy))
    alice = client_as(app, ALICE)
    agent, key = make_agent(alice), made(alice)["token"]
    engine = engine_of(app)
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE asked (number INTEGER)"))
    policy.engine = sa.create_engine(engine.url, poolclass=sa.NullPool)
    run(Machine(app, key), agent)
    close(app)


def test_many_stored_keys_are_all_looked_at(any_host: Flask, model: dict[str, Any], upstream: Upstream) -> None:
    """The one for the agent's address is found behind those for other addresses, however many there are."""
    alice = Clients.of(any_host).alice
    agent = make_agent(alice, model_config=model)
    for number in range(12):
        other = {
            "provider": "openai_compatible",
            "api_key": "sk-others",
            "base_url": f"https://{number}.example.com/v1/longer/path",
        }
        assert alice.post("/api/ai_agent_credentials", json=other).status_code in (200, 201)
    own = {"provider": "openai_compatible", "api_key": "sk-its-own-key", "base_url": model["base_url"]}
    assert alice.post("/api/ai_agent_credentials", json=own).status_code in (200, 201)
    run(alice, agent)
    assert upstream.requests[0].headers["authorization"] == "Bearer sk-its-own-key"
