from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from login_host import User, db, logged_in, make_login_host, make_user
from support.cast import ALICE, OFFLINE, Clients, make_agent
from support.hosts import close, make_host

from flask_aiagents import AIAgents, ConfigurationError, current_aiagents
from flask_aiagents.core.migrate import upgrade
from flask_aiagents.signals import agent_created, recording

AGENT = {"name": "Mine", "model_config": OFFLINE}


def test_one_object_serves_several_apps(tmp_path: Path) -> None:
    """Two apps of a process share nothing but the object that was mounted in both."""
    aiagents = AIAgents()
    apps = [make_host(f"sqlite:///{tmp_path}/{name}.db", aiagents=aiagents) for name in ("one", "two")]
    make_agent(Clients.of(apps[0]).alice)
    assert Clients.of(apps[1]).alice.get("/api/ai_agents").json == []
    with pytest.raises(ConfigurationError, match="already mounted"):
        aiagents.init_app(apps[0])
    for app in apps:
        close(app)


def test_a_host_without_flask_sqlalchemy_names_its_database(tmp_path: Path) -> None:
    """AIAGENTS_DATABASE_URI is enough; without it the message says what to do."""
    app = Flask(__name__)
    with pytest.raises(ConfigurationError, match="AIAGENTS_DATABASE_URI"):
        AIAgents(app)
    app.config["AIAGENTS_DATABASE_URI"] = f"sqlite:///{tmp_path}/plain.db"
    AIAgents(app)
    upgrade(app.extensions["aiagents"].database)
    make_agent(Clients.of(app).alice)
    close(app)


def test_mounting_starts_no_thread_and_touches_no_table() -> None:
    """init_app works although the database cannot be reached, and leaves the threads as they were."""
    before = threading.active_count()
    app = make_host("postgresql+psycopg://nobody@127.0.0.1:1/nothing", migrated=False)
    assert threading.active_count() == before
    assert app.test_client().get("/api/health").json == {"status": "ok"}


HEAVY = ("flask_admin", "limits", "cryptography", "pydantic_ai", "alembic", "genai_prices")
"""Libraries that a process which serves no panel may never need."""


def test_a_start_imports_nothing_that_the_process_may_not_need() -> None:
    """Without a panel no library of the panel, of secrets, rates, prices, models or migrations is imported."""
    program = f"""
import sys
from flask import Flask
from flask_aiagents import AIAgents
app = Flask("small")
app.config.update(AIAGENTS_DATABASE_URI="sqlite://", AIAGENTS_ADMIN_URL="")
AIAgents(app)
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_request_holds_one_connection_and_not_two(tmp_path: Path) -> None:
    """With a pool of one, a login that reads the host's session and our route still get along."""
    options = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 1}
    app = make_login_host(f"sqlite:///{tmp_path}/one.db", SQLALCHEMY_ENGINE_OPTIONS=options)
    browser = logged_in(app, 1)
    made = browser.post("/api/ai_agents", json=AGENT)
    assert made.status_code == 201
    assert browser.post(f"/api/ai_agents/{made.json['id']}/execute", json={"input": "hi"}).status_code == 200
    close(app)


@pytest.mark.parametrize("flushed", [False, True])
def test_the_hosts_pending_writes_are_neither_lost_nor_committed(postgres: Any, flushed: bool) -> None:
    """What the host's session holds when our route works is still there after it, still uncommitted."""
    app = make_login_host(postgres.owner)

    @app.before_request
    def seen() -> None:
        user = db.session.get(User, 1)
        if user is not None:
            user.seen += 1
            if flushed:
                db.session.flush()

    outcome: list[int] = []

    @app.after_request
    def look(response: Any) -> Any:
        engine = app.extensions["aiagents"].database.engine
        with engine.connect() as connection:
            outcome.append(connection.scalar(sa.select(User.seen).where(User.id == 1)) or 0)
        db.session.commit()
        return response

    browser = logged_in(app, 1)
    assert browser.get("/api/ai_agents").status_code == 200
    assert browser.get("/api/ai_agents").status_code == 200
    assert outcome == [0, 1, 2]  # each request saw the ones before it committed, and its own not
    close(app)


def test_a_service_says_so_when_the_host_holds_a_sqlite_write(tmp_path: Path) -> None:
    """Waiting for our own caller's lock would never end, so it is refused with the mend."""
    app = make_login_host(f"sqlite:///{tmp_path}/held.db")
    with app.app_context():
        db.session.add(make_user(id=9, tenant_id="acme", role="user"))
        db.session.flush()
        with pytest.raises(ConfigurationError, match="Commit your session first"):
            current_aiagents.agents.create(AGENT, principal=ALICE)
        db.session.commit()
        current_aiagents.agents.create(AGENT, principal=ALICE)
    close(app)


def test_in_memory_sqlite_is_allowed_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    """It works, and says once that our commit commits the host's rows there."""
    app = make_login_host("sqlite://")
    with caplog.at_level(logging.WARNING), app.app_context():
        for name in ("one", "two"):
            db.session.execute(sa.select(User))
            current_aiagents.agents.create(AGENT | {"name": name}, principal=ALICE)
    assert [record.message for record in caplog.records if "In-memory" in record.message] != []
    assert sum("In-memory" in record.message for record in caplog.records) == 1
    close(app)


def test_foreign_keys_are_ours_only_while_we_use_a_connection(tmp_path: Path) -> None:
    """The host's connections are as it left them: foreign keys off by SQLite's default."""
    app = make_host(f"sqlite:///{tmp_path}/keys.db", SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 1, "max_overflow": 0})
    make_agent(Clients.of(app).alice)
    engine = app.extensions["aiagents"].database.engine
    with engine.connect() as connection:
        assert connection.scalar(sa.text("PRAGMA foreign_keys")) == 0
    close(app)


def test_a_broken_receiver_breaks_nothing(host: Flask, clients: Clients) -> None:
    """Public signals come after the commit; one that raises is logged and the others still hear."""
    heard: list[str] = []

    def broken(_: Flask, **__: Any) -> None:
        raise RuntimeError("receiver")

    def listening(_: Flask, *, event: Any, **__: Any) -> None:
        path = str(host.config["SQLALCHEMY_DATABASE_URI"]).removeprefix("sqlite:///")
        with sqlite3.connect(path) as connection:  # another connection sees it: it is committed
            heard.extend(row[0] for row in connection.execute("SELECT name FROM ai_agents"))
        connection.close()

    with agent_created.connected_to(broken, host), agent_created.connected_to(listening, host):
        make_agent(clients.alice, "Heard of")
    assert heard == ["Heard of"]


def test_a_change_whose_log_cannot_be_written_is_undone(host: Flask, clients: Clients) -> None:
    """The log row is part of the change: without it there is no agent either."""

    def failing(_: Flask, **__: Any) -> None:
        raise RuntimeError("no log")

    with recording.connected_to(failing, host):
        assert clients.alice.post("/api/ai_agents", json=AGENT).status_code == 500
    assert clients.alice.get("/api/ai_agents").json == []
    assert clients.alice.post("/api/ai_agents", json=AGENT).status_code == 201
