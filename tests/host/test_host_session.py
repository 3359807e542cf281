from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from login_host import User, db, logged_in, make_login_host, make_user
from support.cast import ALICE, BOB, OFFLINE, Clients, make_agent
from support.databases import Roles
from support.hosts import close

from flask_aiagents import SYSTEM, acting_as, current_aiagents

AGENT = {"name": "Mine", "model_config": OFFLINE}


@pytest.fixture
def app(postgres: Roles) -> Iterator[Flask]:
    """A host on PostgreSQL, where our session does not wait for its."""
    app = make_login_host(postgres.owner)
    yield app
    close(app)


def _by_the_unit_of_work() -> None:
    db.session.get_one(User, 1).seen += 1
    db.session.flush()


def _before_a_savepoint() -> None:
    _by_the_unit_of_work()
    with db.session.begin_nested():
        db.session.scalars(sa.select(User)).all()


def _in_a_savepoint() -> None:
    with db.session.begin_nested():
        db.session.get_one(User, 1).seen += 1


def _by_a_statement() -> None:
    db.session.execute(sa.update(User).where(User.id == 1).values(seen=User.seen + 1))


def _by_the_connection() -> None:
    db.session.connection().execute(sa.update(User).where(User.id == 1).values(seen=User.seen + 1))


def _in_bulk() -> None:
    db.session.bulk_update_mappings(sa.inspect(User), [{"id": 1, "seen": db.session.get_one(User, 1).seen + 1}])


@pytest.mark.parametrize(
    "write",
    [_by_the_unit_of_work, _before_a_savepoint, _in_a_savepoint, _by_a_statement, _by_the_connection, _in_bulk],
)
def test_no_way_of_writing_is_lost(app: Flask, write: Callable[[], None]) -> None:
    """However a hook of the host writes before our route works, its commit afterwards finds the write."""

    @app.before_request
    def seen() -> None:
        if db.session.get(User, 1) is not None:
            write()

    @app.after_request
    def commit(response: Any) -> Any:
        db.session.commit()
        return response

    browser = logged_in(app, 1)
    assert browser.get("/api/ai_agents").status_code == 200
    with app.app_context():
        assert db.session.get_one(User, 1).seen == 2  # the login and the list


def test_the_hosts_rollback_takes_nothing_of_ours(app: Flask) -> None:
    """A service's work is committed by itself: the host's rollback undoes the host's rows alone."""
    with app.app_context():
        db.session.add(make_user(id=9, tenant_id="acme", role="user"))
        db.session.flush()
        agent = current_aiagents.agents.create(AGENT, principal=ALICE)
        db.session.rollback()
        assert db.session.get(User, 9) is None
        assert current_aiagents.agents.get(agent.id, principal=ALICE).name == "Mine"
        logs = current_aiagents.activity.list(principal=ALICE).items
    assert [log["action"] for log in logs] == ["create"]


def test_a_service_leaves_its_callers_transaction_open(app: Flask) -> None:
    """Host code that reads, calls a service and reads on is in one transaction all the while."""
    with app.app_context():
        user = db.session.get_one(User, 1)
        before = db.session.scalar(sa.text("SELECT pg_backend_pid()")), db.session().get_transaction()
        current_aiagents.agents.create(AGENT, principal=ALICE)
        assert (db.session.scalar(sa.text("SELECT pg_backend_pid()")), db.session().get_transaction()) == before
        assert "seen" in user.__dict__  # not expired, as it would be after a rollback


def test_a_hosts_handler_meets_the_same_rules(host: Flask, clients: Clients) -> None:
    """Services in a host's own route refuse what the API refuses, and the answer is the host's own page."""
    host.register_error_handler(404, lambda _: ("<h1>the host's 404</h1>", 404))
    host.register_error_handler(403, lambda _: ("<h1>the host's 403</h1>", 403))

    @host.post("/pages/<uuid:agent_id>/delete")
    def delete(agent_id: UUID) -> str:
        with acting_as(BOB):
            current_aiagents.agents.delete(agent_id)
        return "gone"

    @host.get("/pages/<uuid:agent_id>")
    def show(agent_id: UUID) -> str:
        with acting_as(BOB):
            return current_aiagents.agents.get(agent_id).name

    agent_id = make_agent(clients.alice)["id"]
    client = host.test_client()
    assert client.post(f"/pages/{agent_id}/delete").text == "<h1>the host's 403</h1>"
    assert client.get(f"/pages/{agent_id}").text == "Helper"
    assert client.get(f"/pages/{uuid4()}").text == "<h1>the host's 404</h1>"


@pytest.mark.parametrize("hosts_own", [0, 1])
def test_foreign_keys_are_on_for_us_and_then_as_the_host_had_them(tmp_path: Path, hosts_own: int) -> None:
    """Our sessions enforce foreign keys; at check-in the connection is as the host had set it."""
    options = {"pool_size": 1, "max_overflow": 0}
    app = make_login_host(f"sqlite:///{tmp_path}/keys.db", SQLALCHEMY_ENGINE_OPTIONS=options)
    database = app.extensions["aiagents"].database
    pragma = sa.text("PRAGMA foreign_keys")
    with database.engine.connect() as connection:
        connection.execute(sa.text(f"PRAGMA foreign_keys = {hosts_own}"))
    with database.transaction(SYSTEM) as session:
        assert session.connection().scalar(pragma) == 1
    with database.engine.connect() as connection:
        assert connection.scalar(pragma) == hosts_own
    close(app)


def test_mounting_costs_no_heavy_library() -> None:
    """A host that imports and mounts us has loaded no model library; nor has one that lists agents."""
    program = """
import sys
from support.cast import Clients
from support.hosts import make_host
app = make_host("sqlite://")
assert Clients.of(app).alice.get("/api/ai_agents").status_code == 200
print([n for n in ("aiohttp", "pydantic", "genai_prices") if n in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=Path(__file__).parents[1], check=False
    )
    assert done.stdout.strip() == "[]", done.stderr
