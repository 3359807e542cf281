"""Our side: a host with an agent behind the upstream, fifty agents to list and a key to come with."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from servers import Server, free_port, gunicorn, running

from flask_aiagents import AIAgents, Principal, Role
from flask_aiagents.core.migrate import upgrade

ALICE = Principal("alice", "acme", Role.TENANT_ADMIN)

POSTGRES = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"


def create_app(uri: str, key: str, **config: Any) -> Flask:
    """The host."""
    app = Flask("bench")
    app.config.update(
        SECRET_KEY="bench",
        SQLALCHEMY_DATABASE_URI=uri,
        SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 32},
        AIAGENTS_ENCRYPTION_KEYS=key,
        AIAGENTS_ALLOWED_HOSTS="127.0.0.1",
        AIAGENTS_RATE_LIMIT="",
        AIAGENTS_TENANT_RATE_LIMIT="",
        AIAGENTS_ACTIVITY_ROWS_LIMIT="",
        AIAGENTS_ACTIVITY_BYTES_LIMIT="",
        AIAGENTS_MAX_RUNNING=0,
        AIAGENTS_MAX_RUNNING_PER_TENANT=0,
        AIAGENTS_MAX_RUNNING_PER_USER=0,
    )
    app.config.update(config)
    AIAgents(app, SQLAlchemy(app))
    return app


def app_from_environment() -> Flask:
    """What gunicorn serves."""
    return create_app(os.environ["BENCH_URI"], os.environ["BENCH_KEY"])


def prepare(uri: str, key: str, base_url: str, agents: int = 50) -> tuple[Flask, str, str]:
    """Tables, agents and an API key; the app, the first agent's id and the token."""
    app = create_app(uri, key, AIAGENTS_MAINTENANCE_INTERVAL_S=0)
    system = app.extensions["aiagents"]
    model = {"provider": "openai", "model": "gpt-4o-mini", "base_url": base_url}
    with app.app_context():
        upgrade(system.database)
        data = [{"name": f"Agent {number}", "model_config": model} for number in range(agents)]
        agent = system.agents.create_many(data, principal=ALICE)[0]
        system.credentials.put_for_agent(agent.id, {"api_key": "sk-upstream"}, principal=ALICE)
        token = system.keys.create({"name": "bench"}, principal=ALICE).token
    return app, str(agent.id), token


@contextmanager
def database(folder: Path, kind: str) -> Iterator[str]:
    """The URI of a fresh database; on PostgreSQL of an ordinary role, so that row-level security is in force."""
    if kind == "SQLite":
        yield f"sqlite:///{folder / f'bench-{secrets.token_hex(4)}.db'}"
        return
    name = f"aia_bench_{secrets.token_hex(4)}"
    admin = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE ROLE {name} LOGIN"))
        connection.execute(sa.text(f"CREATE DATABASE {name} OWNER {name}"))
    try:
        yield sa.make_url(POSTGRES).set(username=name, database=name).render_as_string(False)
    finally:
        with admin.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
            connection.execute(sa.text(f"DROP ROLE {name}"))


@contextmanager
def ours(folder: Path, kind: str, base_url: str) -> Iterator[Server]:
    """Our server on one kind of database."""
    key, port = base64.b64encode(os.urandom(32)).decode(), free_port()
    with database(folder, kind) as uri:
        app, agent_id, token = prepare(uri, key, base_url)
        app.extensions["aiagents"].database.engine.dispose()
        url = f"http://127.0.0.1:{port}/api"
        environment = {"BENCH_URI": uri, "BENCH_KEY": key}
        with running(gunicorn("host:app_from_environment()", port), f"{url}/health", 90, **environment) as process:
            body = json.dumps({"input": "Hello"})
            headers = {"X-API-Key": token}
            yield Server(f"ours, {kind}", f"{url}/ai_agents/{agent_id}/execute", headers, body, body, process)
