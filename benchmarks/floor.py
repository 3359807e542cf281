"""The floor: what the shortest program of the kind does, written by hand with Flask, urllib3 and a driver."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3
from flask import Flask, abort, request
from flask.typing import ResponseReturnValue
from servers import Server, free_port, gunicorn, running

TOKEN = "floor-token"
HTTP = urllib3.PoolManager(maxsize=32)
_local = threading.local()


def _connection() -> sqlite3.Connection:
    if not hasattr(_local, "connection"):
        _local.connection = sqlite3.connect(os.environ["BENCH_PATH"], isolation_level=None)
        _local.connection.row_factory = sqlite3.Row
    return _local.connection


def create_app() -> Flask:
    """Two routes: run an agent with a log, list fifty agents; a key, a tenant and JSON for both."""
    app = Flask("floor")

    def tenant() -> str:
        digest = hashlib.sha256(request.headers.get("X-API-Key", "").encode()).hexdigest()
        row = _connection().execute("SELECT tenant FROM keys WHERE hash = ?", (digest,)).fetchone()
        return row["tenant"] if row else abort(401)

    @app.post("/execute/<agent_id>")
    def execute(agent_id: str) -> ResponseReturnValue:
        scope, asked = tenant(), request.get_json()
        sql = "SELECT * FROM agents WHERE id = ? AND tenant = ?"
        agent = _connection().execute(sql, (agent_id, scope)).fetchone() or abort(404)
        body = {"model": agent["model"], "messages": [{"role": "user", "content": asked["input"]}]}
        started = time.monotonic()
        answer = HTTP.request("POST", f"{agent['base_url']}/chat/completions", json=body).json()
        usage = answer["usage"]
        _connection().execute(
            "INSERT INTO logs VALUES (?, ?, ?, ?, ?)",
            (secrets.token_hex(16), scope, usage["total_tokens"], time.monotonic() - started, json.dumps(answer)),
        )
        return app.json.response({"output": answer["choices"][0]["message"]["content"], "usage": usage})

    @app.get("/agents")
    def agents() -> ResponseReturnValue:
        sql = "SELECT * FROM agents WHERE tenant = ? ORDER BY created_at DESC, id DESC LIMIT 50"
        return app.json.response([_agent(row) for row in _connection().execute(sql, (tenant(),))])

    return app


def _agent(row: sqlite3.Row) -> dict[str, Any]:
    config = {"provider": "openai", "model": row["model"], "base_url": row["base_url"]}
    return dict(row) | {"model_config": config, "capabilities": json.loads(row["capabilities"])}


@contextmanager
def floor(folder: Path, base_url: str) -> Iterator[Server]:
    """The floor on SQLite."""
    path, port = folder / f"floor-{secrets.token_hex(4)}.db", free_port()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode = WAL; CREATE TABLE keys (hash TEXT PRIMARY KEY, tenant TEXT);"
        "CREATE TABLE agents (id TEXT PRIMARY KEY, tenant TEXT, name TEXT, description TEXT, agent_type TEXT,"
        " status TEXT, model TEXT, base_url TEXT, capabilities TEXT, created_by TEXT, created_at TEXT,"
        " updated_at TEXT, version INTEGER);"
        "CREATE TABLE logs (id TEXT PRIMARY KEY, tenant TEXT, tokens INTEGER, seconds REAL, answer TEXT);"
    )
    connection.execute("INSERT INTO keys VALUES (?, 'acme')", (hashlib.sha256(TOKEN.encode()).hexdigest(),))
    for number in range(50):
        connection.execute(
            "INSERT INTO agents VALUES (?, 'acme', ?, '', 'assistant', 'active', 'gpt-4o-mini', ?, '[]', 'alice',"
            " '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 1)",
            (f"agent-{number}", f"Agent {number}", base_url),
        )
    connection.close()
    url = f"http://127.0.0.1:{port}"
    with running(gunicorn("floor:create_app()", port), f"{url}/agents", BENCH_PATH=str(path)) as process:
        body = json.dumps({"input": "Hello"})
        yield Server("floor, SQLite", f"{url}/execute/agent-0", {"X-API-Key": TOKEN}, body, body, process)
