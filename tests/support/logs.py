"""Activity logs for tests, written as executions write them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import Flask

from flask_aiagents.core.clock import utcnow, uuid7, uuid7_from
from flask_aiagents.core.principal import Principal
from flask_aiagents.features.activity.running import RunningLogs
from flask_aiagents.features.activity.service import Activity

from .cast import BOB


def activity_of(app: Flask) -> Activity:
    """The service of this app."""
    return app.extensions["aiagents"].activity


def running_of(app: Flask) -> RunningLogs:
    """What writes the rows of executions in this app."""
    return app.extensions["aiagents"].running


def log_id_at(time: datetime) -> UUID:
    """An id of this time."""
    return UUID(int=uuid7_from(time).int | uuid7().int & (2**62 - 1))


def begin(
    app: Flask,
    agent_id: str,
    *,
    principal: Principal = BOB,
    at: datetime | None = None,
    lease: timedelta = timedelta(minutes=2),
    **values: Any,
) -> UUID:
    """Open the log of an execution; returns its id."""
    log_id = log_id_at(at) if at else uuid7()
    given = {"agent_name": "Helper", "request_data": {"input": "hi"}, "provider": "openai", "model": "gpt-4o-mini"}
    with app.app_context():
        running_of(app).begin(
            log_id=log_id,
            principal=principal,
            agent_id=UUID(agent_id),
            lease_until=(at or utcnow()) + lease,
            **(given | values),
        )
    return log_id


def finish(app: Flask, log_id: UUID, *, principal: Principal = BOB, **values: Any) -> bool:
    """End the log of an execution; whether it was still running."""
    given: dict[str, Any] = {
        "status": "success",
        "response_data": {"output": "hello"},
        "duration_ms": 12,
        "input_tokens": 3,
        "output_tokens": 4,
        "cached_tokens": 0,
        "tokens_used": 7,
        "provider": "openai",
        "model": "gpt-4o-mini",
        "cost_usd": Decimal("0.1"),
        "unpriced": False,
        "attempts": [],
        "finish_reason": "stop",
        "error": None,
    }
    with app.app_context():
        return running_of(app).finish(log_id, principal=principal, **(given | values))


def execution(
    app: Flask, agent_id: str, *, principal: Principal = BOB, at: datetime | None = None, **values: Any
) -> UUID:
    """A whole execution's log."""
    log_id = begin(app, agent_id, principal=principal, at=at)
    assert finish(app, log_id, principal=principal, **values)
    return log_id
