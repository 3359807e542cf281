from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError
from support.cast import ALICE, Clients, make_agent
from support.hosts import close, make_host

from flask_aiagents.core.db import Database
from flask_aiagents.core.rerun import TRIES, is_conflict
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.errors import Unavailable
from flask_aiagents.features.agents.models import Agent
from flask_aiagents.web.errors import known_error


@pytest.fixture(params=["postgres", "mariadb_uri"])
def locking_host(request: pytest.FixtureRequest) -> Iterator[Flask]:
    """A host on a database that locks rows."""
    database: Any = request.getfixturevalue(request.param)
    app = make_host(getattr(database, "owner", database))
    yield app
    close(app)


class Crossing:
    """Two units of work that lock two agents in opposite order, and meet in the middle on their first try."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.database: Database = app.extensions["aiagents"].database
        alice = Clients.of(app).alice
        self.ids = [UUID(make_agent(alice, name)["id"]) for name in ("One", "Two")]
        self.meeting = threading.Barrier(2, timeout=30)
        self.tries = [0, 0]

    def work(self, number: int) -> None:
        self.tries[number] += 1
        first, second = self.ids if number == 0 else reversed(self.ids)
        with self.app.app_context(), self.database.transaction(SYSTEM) as session:
            self._touch(session, first, number)
            if self.tries[number] == 1:
                self.meeting.wait()
            self._touch(session, second, number)

    @staticmethod
    def _touch(session: Any, agent_id: UUID, number: int) -> None:
        described = sa.update(Agent).where(Agent.id == agent_id).values(description=f"by {number}")
        session.execute(described.execution_options(synchronize_session=False))


def test_a_deadlock_is_run_again(locking_host: Flask) -> None:
    """Both sides of a deadlock succeed, since the one that is rolled back runs again as a whole."""
    crossing = Crossing(locking_host)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda n: crossing.database.run_again_on_conflict(lambda: crossing.work(n)), (0, 1)))
    assert sum(crossing.tries) == 3
    agents = Clients.of(locking_host).alice.get("/api/ai_agents?select=description").json
    assert len({agent["description"] for agent in agents}) == 1


def test_a_deadlock_that_nobody_runs_again_is_a_503(locking_host: Flask) -> None:
    """What is rolled back for good is answered as temporary, with Retry-After, not as the client's conflict."""
    crossing = Crossing(locking_host)
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(crossing.work, number) for number in (0, 1)]
        errors = [end.exception() for end in ends]
    (error,) = [error for error in errors if error is not None]
    assert isinstance(error, DBAPIError)
    assert is_conflict(error)
    known = known_error(error)
    assert isinstance(known, Unavailable)
    assert known.retry_after == 1
    assert "Try again" in str(known.hint)


def test_a_serialization_failure_is_run_again(postgres: Any) -> None:
    """Where the host's transactions are serializable, a write that came second runs again."""
    app = make_host(postgres.owner, SQLALCHEMY_ENGINE_OPTIONS={"isolation_level": "REPEATABLE READ"})
    database: Database = app.extensions["aiagents"].database
    agent = make_agent(Clients.of(app).alice)
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        with app.app_context(), database.transaction(SYSTEM) as session:
            found = session.get(Agent, UUID(agent["id"]))
            if len(tries) == 1:
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(_rename, app, agent["id"], "Other").result(30)
            session.execute(
                sa.update(Agent).where(Agent.id == found.id).values(description=f"of {found.name}"),
                execution_options={"synchronize_session": False},
            )

    database.run_again_on_conflict(work)
    assert len(tries) == 2
    assert Clients.of(app).alice.get(f"/api/ai_agents/{agent['id']}").json["description"] == "of Other"
    close(app)


def _rename(app: Flask, agent_id: str, name: str) -> None:
    with app.app_context():
        app.extensions["aiagents"].agents.update(agent_id, {"name": name}, principal=ALICE)


def test_a_service_runs_again_by_itself(locking_host: Flask) -> None:
    """A deletion that meets a deadlock with the host's own transaction ends as if there had been none."""
    alice, engine = Clients.of(locking_host).alice, locking_host.extensions["aiagents"].database.engine
    agent = make_agent(alice)
    path = f"/api/ai_agents/{agent['id']}"
    assert alice.put(f"{path}/configuration", json={"configuration": {"temperature": 0.5}}).status_code == 200
    with ThreadPoolExecutor(1) as pool, engine.connect() as host:
        if engine.dialect.name == "postgresql":
            host.execute(sa.text("SELECT set_config('aiagents.scope', 'system', false)"))
        host.execute(sa.text("UPDATE ai_agent_configurations SET is_active = is_active"))
        host.execute(sa.text("SELECT id FROM ai_agent_configurations FOR UPDATE")).all()
        deletion = pool.submit(alice.delete, path)
        free = sa.text("SELECT id FROM ai_agents FOR UPDATE SKIP LOCKED")
        while host.execute(free).all():
            host.rollback()
            if engine.dialect.name == "postgresql":
                host.execute(sa.text("SELECT set_config('aiagents.scope', 'system', false)"))
            host.execute(sa.text("SELECT id FROM ai_agent_configurations FOR UPDATE")).all()
        with suppress(DBAPIError):  # one side of the deadlock is rolled back, whichever the database chooses
            host.execute(sa.text("SELECT id FROM ai_agents FOR UPDATE")).all()
        host.rollback()
        assert deletion.result(60).status_code == 204
    assert alice.get(path).status_code == 404


def test_inside_an_open_transaction_nothing_runs_again(host: Flask) -> None:
    """A conflict loses the outermost transaction, so an inner unit runs once and an outer one has its tries."""
    database: Database = host.extensions["aiagents"].database
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        raise DBAPIError("x", None, _Deadlock(1213, "Deadlock found"))

    with host.app_context(), pytest.raises(DBAPIError), database.transaction(SYSTEM):
        database.run_again_on_conflict(work)
    assert len(tries) == 1
    with pytest.raises(DBAPIError):
        database.run_again_on_conflict(work)
    assert len(tries) == 1 + TRIES


class _Deadlock(Exception):
    """The driver's error."""
