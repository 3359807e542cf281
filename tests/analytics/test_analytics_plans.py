"""How SQLite reads figures: what the sums have must not be read from a tenant's log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from support.cast import ALICE, BOB, ROOT
from support.usage import ask, past, roll_up, write

from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.principal import Principal
from flask_aiagents.features.analytics.period import Period

FIGURES: dict[str, dict[str, Any]] = {
    "summary": {},
    "timeseries": {},
    "usage": {},
    "usage by user": {"by": "user"},
    "usage by action": {"by": "action"},
    "costs": {},
    "errors": {},
}


@pytest.mark.parametrize("principal", [ALICE, BOB, ROOT], ids=lambda principal: principal.user_id)
@pytest.mark.parametrize("figures", FIGURES)
def test_no_figure_reads_a_tenants_log(host: Flask, figures: str, principal: Principal) -> None:
    """Those that the sums do not have are looked up one by one, the last of an error within its millisecond."""
    logs = past(utcnow(), days=40, count=60)
    write(host, [log | {"agent_id": None} for log in logs])  # the names of agents that are gone are in the log
    roll_up(host)
    with _plans(host) as steps:
        ask(host, figures.split()[0], Period.recent("30d"), principal=principal, **FIGURES[figures])
    assert steps
    assert [(step, statement) for step, statement in steps if not _is_looked_up(step, statement)] == []


@contextmanager
def _plans(app: Flask) -> Iterator[list[tuple[str, str]]]:
    """How the log is read by what is asked meanwhile: each step, and the statement that it is of."""
    engine = app.extensions["aiagents"].database.engine
    asked: list[tuple[str, Any]] = []
    steps: list[tuple[str, str]] = []
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2:4]))
    yield steps
    with engine.connect() as connection:
        for statement, values in [one for one in asked if one[0].startswith("SELECT")]:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            steps.extend((row.detail, statement) for row in plan if "ai_agent_activity_logs" in row.detail)


def _is_looked_up(step: str, statement: str) -> bool:
    if statement.startswith("SELECT ai_agent_activity_logs.id "):
        return "created_at>?" in step or "id>?" in step
    return "(id=?)" in step
