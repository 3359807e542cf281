"""The end of executions whose process died: what they are known to have used is priced, the rest is unknown."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ...core.clock import utcnow
from ...core.db import Database
from ...core.tenancy import SYSTEM
from ...errors import ConfigurationError
from ...llm.outcome import Usage
from ...llm.prices import cost
from ...signals import AgentExecuted, publish
from .models import ActivityLog, LogStatus
from .unrolled import note_ended

BATCH = 200
"""Rows that one transaction ends."""

_RUNNING = sa.literal(LogStatus.RUNNING.value, literal_execute=True)
"""Written out in the SQL: SQLite uses a partial index only where it reads the condition."""


def end_expired(database: Database, prices: Any, now: datetime | None = None) -> int:
    """End running rows past their lease as ``interrupted``, in bounded batches, and tell of each."""
    now, ended = now or utcnow(), 0
    while True:
        found, news = database.run_again_on_conflict(lambda: _end_batch(database, prices, now))
        for event in news:
            publish(database.app, event)
        ended += len(news)
        if found < BATCH:
            return ended


def _end_batch(database: Database, prices: Any, now: datetime) -> tuple[int, list[AgentExecuted]]:
    """End some rows; returns how many were found, and what is to be published of those that were ended."""
    with database.transaction(SYSTEM) as session:
        expired = session.scalars(
            sa.select(ActivityLog)
            .where(ActivityLog.status == _RUNNING, ActivityLog.lease_until < now)
            .order_by(ActivityLog.lease_until)
            .limit(BATCH)
        ).all()
        return len(expired), [_news(log) for log in expired if _end(session, log, prices)]


def _end(session: Any, log: ActivityLog, prices: Any) -> bool:
    usage = _noted(log)
    price = _price(log, usage, prices)
    values = {
        "status": LogStatus.INTERRUPTED.value,
        "error": "interrupted",
        "duration_ms": _believed_ms(log),
        "tokens_used": usage.total_tokens if usage else None,
        "cost_usd": price,
        "unpriced": price is None,
        "lease_until": None,
    }
    statement = (
        sa.update(ActivityLog)
        .where(ActivityLog.id == log.id, ActivityLog.status == LogStatus.RUNNING.value)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    done = bool(session.execute(statement).rowcount)
    if done:
        note_ended(session, [{"id": log.id, "tenant_id": log.tenant_id}])
    session.expunge(log)
    for name, value in values.items():
        setattr(log, name, value)
    return done


def _believed_ms(log: ActivityLog) -> int:
    lease_until = log.lease_until or log.created_at
    return max(0, round((lease_until - log.created_at).total_seconds() * 1000))


def _price(log: ActivityLog, usage: Usage | None, prices: Any) -> Decimal | None:
    try:
        return cost(log.provider or "", log.model or "", usage, overrides=prices) if usage else None
    except ConfigurationError:  # a mistyped price must not keep the row running: it ends as unpriced
        return None


def _noted(log: ActivityLog) -> Usage | None:
    """What a stream had noted of itself before its process died."""
    if log.output_tokens is None:
        return None
    return Usage(input_tokens=log.input_tokens or 0, output_tokens=log.output_tokens)


def _news(log: ActivityLog) -> AgentExecuted:
    return AgentExecuted(
        agent_id=log.agent_id,
        agent_name=log.agent_name,
        tenant_id=log.tenant_id,
        user_id=log.user_id,
        log_id=log.id,
        status=LogStatus.INTERRUPTED.value,
        duration_ms=log.duration_ms or 0,
        tokens_used=log.tokens_used,
        cost_usd=log.cost_usd,
        provider=log.provider,
        model=log.model,
        error="interrupted",
    )
