"""P5: a thousand logs in one POST, in-process, against the database's own fastest way."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from host import ALICE, POSTGRES, database, prepare
from rows import Row

from flask_aiagents.core.clock import uuid7
from flask_aiagents.testing import client_as

LOGS = 1_000

COLUMNS = "id, tenant_id, user_id, action, source, duration_ms, tokens_used, model, unpriced, status, created_at"


def measure(folder: Path, rounds: int) -> Iterator[Row]:
    """Into the same table with its indexes: executemany, and COPY past row-level security."""
    with _prepared(folder, "SQLite") as (uri, client):
        raw = _sqlite(sa.make_url(uri).database or "")
        yield _row("SQLite", *_both(rounds, client, raw))
    with _prepared(folder, "PostgreSQL") as (uri, client):
        admin = sa.make_url(POSTGRES).set(drivername="postgresql", database=sa.make_url(uri).database)
        with psycopg.connect(admin.render_as_string(False)) as connection:
            yield _row("PostgreSQL", *_both(rounds, client, lambda: _copy(connection)))


def _row(kind: str, mine: float, raw: float) -> Row:
    note = f"{mine:,.0f}, {raw:,.0f} rows/s (ours, raw)"
    return Row("P5", f"1,000 logs in one POST, {kind}", mine / raw, 0.4, 0.6, more_is_better=True, note=note)


@contextmanager
def _prepared(folder: Path, kind: str) -> Iterator[tuple[str, Any]]:
    with database(folder, kind) as uri:
        key = base64.b64encode(os.urandom(32)).decode()
        app, _, _ = prepare(uri, key, "http://127.0.0.1:1/v1", agents=1)
        yield uri, client_as(app, ALICE)
        app.extensions["aiagents"].database.engine.dispose()


def _both(rounds: int, client: Any, raw: Callable[[], None]) -> tuple[float, float]:
    body = json.dumps(items(LOGS)).encode()
    headers = {"Prefer": "return=minimal", "Content-Type": "application/json"}

    def post() -> None:
        assert client.post("/api/ai_agent_activity_logs", data=body, headers=headers).status_code == 201

    rates: dict[Callable[[], None], list[float]] = {post: [], raw: []}
    for _ in range(rounds * 10):
        for insert, found in rates.items():
            started = time.perf_counter()
            insert()
            found.append(LOGS / (time.perf_counter() - started))
    mine, other = (statistics.median(found[1:]) for found in rates.values())  # the first one warms
    return mine, other


def items(number: int) -> list[dict[str, Any]]:
    """Calls as a client reports them, no two alike."""
    return [
        {
            "action": "call",
            "duration_ms": 12 + n,
            "tokens_used": 100 + n,
            "model": f"m{n % 3}",
            "status": "success",
        }
        for n in range(number)
    ]


def _rows() -> list[tuple[Any, ...]]:
    now = "2026-01-01 00:00:00.000000"
    return [
        (uuid7().hex, "acme", "alice", "call", "client", n, 100 + n, f"m{n % 3}", False, "success", now)
        for n in range(LOGS)
    ]


def _sqlite(path: str) -> Callable[[], None]:
    connection = sqlite3.connect(path, timeout=10)
    marks = ", ".join("?" * len(COLUMNS.split()))

    def insert() -> None:
        connection.executemany(f"INSERT INTO ai_agent_activity_logs ({COLUMNS}) VALUES ({marks})", _rows())
        connection.commit()

    return insert


def _copy(connection: psycopg.Connection[Any]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY ai_agent_activity_logs ({COLUMNS}) FROM STDIN") as copy:
        for row in _rows():
            copy.write_row(row)
    connection.commit()
