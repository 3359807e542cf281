"""Figures of one agent, from the raw log, its percentile to the millisecond."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.clock import utcnow, uuid7_from
from ...core.columns import PICO
from ...core.tenancy import TenantSession
from ...types import JSONObject
from ..activity.models import ActivityLog, LogStatus
from .period import Period

RAN = ActivityLog.status != LogStatus.RUNNING.value
_SUCCEEDED = ActivityLog.status == LogStatus.SUCCESS.value


def agent_figures(session: TenantSession, agent_id: UUID, period: Period) -> JSONObject:
    """The figures of one agent that a session's scope can see.

    The period is one of ids: they carry the time, and the index on agent and id answers it.
    """
    where = (
        ActivityLog.agent_id == agent_id,
        ActivityLog.action == "execute",
        ActivityLog.id >= uuid7_from(period.start),
        ActivityLog.id < uuid7_from(period.end),
        RAN,
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
