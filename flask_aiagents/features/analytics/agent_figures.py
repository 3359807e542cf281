"""Figures of one agent; of few executions the percentile is exact."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from ...core.clock import utcnow, uuid7_from
from ...core.tenancy import TenantSession
from ...types import JSONObject
from ..activity.models import ActivityLog, LogStatus
from .figures import Figures
from .period import Period
from .reading import read
from .which import Only

FEW = 10_000
"""Executions of which the percentile is taken from the log itself, to the millisecond."""


def agent_figures(session: TenantSession, agent_id: UUID, period: Period, source: str = "all") -> JSONObject:
    """Return the metrics of one agent that a session's scope can see.

    :raises BadRequest: for an unknown source.
    """
    figures, only = Figures(), Only.of(agent_id, None, source)
    for row in read(session, [period.start, period.end], {"agent"}, only):
        figures.add(row)
    told = {"agent_id": agent_id, "period": period.to_dict(), "as_of": utcnow()} | figures.of_agent()
    exact = _p95(session, agent_id, period, figures.timed, only.source) if 0 < figures.timed <= FEW else None
    return told if exact is None else told | {"duration_ms": told["duration_ms"] | {"p95": exact}}


def _p95(session: TenantSession, agent_id: UUID, period: Period, timed: int, source: str | None) -> int | None:
    """The nearest-rank percentile: the smallest duration that 95% do not exceed; None when logs have left.

    The period is one of ids: they carry the time, and the index on agent and id answers it.
    """
    narrowed = [] if source is None else [ActivityLog.source == source]
    durations = session.scalars(
        sa.select(sa.type_coerce(ActivityLog.duration_ms, sa.BigInteger))
        .where(
            *narrowed,
            ActivityLog.agent_id == agent_id,
            ActivityLog.action == "execute",
            ActivityLog.id >= uuid7_from(period.start),
            ActivityLog.id < uuid7_from(period.end),
            ActivityLog.status != LogStatus.RUNNING.value,
            ActivityLog.duration_ms.is_not(None),
        )
        .limit(timed + 1)
    ).all()
    return sorted(durations)[-(-timed * 95 // 100) - 1] if len(durations) == timed else None
