"""Figures of one agent, from the raw log."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.clock import utcnow, uuid7_from
from ...core.columns import PICO
from ...core.db import Database
from ...core.principal import Principal
from ...core.tenancy import SYSTEM, TenantSession
from ...types import JSONObject
from ...web.json import dumps, time_text
from ..access.policy import Permission
from ..access.service import Access
from ..activity.models import ActivityLog, LogStatus
from ..agents.models import Agent
from ..agents.service import find_agent
from .period import Period

CACHED_PERIOD = timedelta(days=30)
"""The period of the figures that an agent carries."""

REFRESH_EVERY = timedelta(minutes=1)
"""How often an agent's cached figures are taken anew at most."""

REFRESH_BATCH = 50
"""Agents that one tick refreshes."""

_LONGEST_EXECUTION = timedelta(minutes=11)
"""A log carries the time of its start, so whoever looks for new ends looks back this far."""

_RAN = ActivityLog.status != LogStatus.RUNNING.value
_SUCCEEDED = ActivityLog.status == LogStatus.SUCCESS.value


class Analytics:
    """What agents did and cost, as far as the principal may know it."""

    def __init__(self, database: Database, access: Access) -> None:
        self._db = database
        self._access = access
        self._looked: datetime | None = None

    def agent_metrics(
        self, agent_id: UUID, period: Period | None = None, *, principal: Principal | None = None
    ) -> JSONObject:
        """An agent's figures in a period, by default the last 30 days: all for an admin, one's own for a user.

        :raises NotFound: when the principal cannot see the agent.
        """
        principal = self._access.require(Permission.READ_ANALYTICS, principal)
        with self._db.transaction(self._access.scope(principal)) as session:
            find_agent(session, agent_id)
            return figures(session, agent_id, period or Period.parse({}))

    def refresh_cached(self, now: datetime | None = None) -> int:
        """Take the cached figures of agents anew that ran since; returns how many.

        Touches neither an agent's version nor its ``updated_at``: figures are no change of the agent.
        """
        now = now or utcnow()
        since = (self._looked or now - CACHED_PERIOD) - _LONGEST_EXECUTION
        with self._db.transaction(SYSTEM) as session:
            due = session.scalars(_due(since, now - REFRESH_EVERY)).all()
        for agent_id in due:
            self._refresh(agent_id, now)
        if len(due) < REFRESH_BATCH:
            self._looked = now
        return len(due)

    def _refresh(self, agent_id: UUID, now: datetime) -> None:
        with self._db.transaction(SYSTEM) as session:
            cached = figures(session, agent_id, Period(now - CACHED_PERIOD, now)) | {"as_of": now}
            plain = json.loads(dumps(cached))
            session.execute(sa.update(Agent).where(Agent.id == agent_id).values(performance_metrics=plain))


def _due(since: datetime, as_of: datetime) -> sa.Select[Any]:
    """Agents that ran since, whose figures are older than ``as_of``: the oldest first, so that none starves."""
    ran = sa.select(ActivityLog.agent_id).where(
        ActivityLog.id >= uuid7_from(since), ActivityLog.action == "execute", _RAN
    )
    taken = sa.func.coalesce(Agent.performance_metrics["as_of"].as_string(), "")
    return (
        sa.select(Agent.id)
        .where(Agent.id.in_(ran), taken <= time_text(as_of))
        .order_by(taken, Agent.id)
        .limit(REFRESH_BATCH)
    )


def figures(session: TenantSession, agent_id: UUID, period: Period) -> JSONObject:
    """The figures of one agent that a session's scope can see.

    The period is one of ids: they carry the time, and the index on agent and id answers it.
    """
    where = (
        ActivityLog.agent_id == agent_id,
        ActivityLog.action == "execute",
        ActivityLog.id >= uuid7_from(period.start),
        ActivityLog.id < uuid7_from(period.end),
        _RAN,
    )
    row = session.execute(_totals().where(*where)).one()
    executions, succeeded = row.executions, int(row.succeeded or 0)
    return {
        "agent_id": agent_id,
        "period": period.to_dict(),
        "as_of": utcnow(),
        "executions": executions,
        "succeeded": succeeded,
        "failed": executions - succeeded,
        "success_rate": succeeded / executions if executions else None,
        "duration_ms": {
            "mean": None if row.mean_ms is None else round(row.mean_ms),
            "p95": _percentile(session, where, row.timed, 95),
        },
        "tokens_used": int(row.tokens_used or 0),
        "input_tokens": int(row.input_tokens or 0),
        "output_tokens": int(row.output_tokens or 0),
        "cost_usd": (row.cost_usd or Decimal(0)).quantize(PICO),
        "unpriced": int(row.unpriced or 0),
        "last_used_at": row.last_used_at,
    }


def _totals() -> sa.Select[*tuple[Any, ...]]:
    count, total, log = sa.func.count, sa.func.sum, ActivityLog
    return sa.select(
        count().label("executions"),
        total(sa.case((_SUCCEEDED, 1), else_=0)).label("succeeded"),
        count(log.duration_ms).label("timed"),
        sa.func.avg(log.duration_ms).label("mean_ms"),
        total(log.tokens_used).label("tokens_used"),
        total(log.input_tokens).label("input_tokens"),
        total(log.output_tokens).label("output_tokens"),
        total(log.cost_usd).label("cost_usd"),
        total(sa.case((log.unpriced.is_(True), 1), else_=0)).label("unpriced"),
        sa.func.max(log.created_at).label("last_used_at"),
    )


def _percentile(
    session: TenantSession, where: tuple[sa.ColumnElement[bool], ...], timed: int, percent: int
) -> int | None:
    """The nearest-rank percentile, exactly: the smallest value that ``percent`` of all do not exceed."""
    if not timed:
        return None
    rank = -(-timed * percent // 100)
    statement = (
        sa.select(ActivityLog.duration_ms)
        .where(*where, ActivityLog.duration_ms.is_not(None))
        .order_by(ActivityLog.duration_ms)
        .offset(rank - 1)
        .limit(1)
    )
    return session.scalar(statement)
