"""Rows to add up, from the raw log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.clock import uuid7_from
from ...core.tenancy import TenantSession
from ..activity.models import ActivityLog, LogStatus


def read(
    session: TenantSession,
    bounds: Sequence[datetime],
    dimensions: Set[str],
    agent_ids: Sequence[UUID] | None = None,
) -> Iterator[Any]:
    """The ended executions between these times that the session's scope sees, apart by ``dimensions``.

    Each row has the time ``at``, and lies between two neighbours of ``bounds``.
    """
    log = ActivityLog
    where = [
        log.action == "execute",
        log.status != LogStatus.RUNNING.value,
        log.id >= uuid7_from(bounds[0]),
        log.id < uuid7_from(bounds[-1]),
        *([log.agent_id.in_(agent_ids)] if agent_ids is not None else []),
    ]
    yield from session.execute(sa.select(*_LOG).where(*where))


_LOG = (
    ActivityLog.created_at.label("at"),
    ActivityLog.tenant_id,
    ActivityLog.agent_id,
    ActivityLog.user_id,
    ActivityLog.provider,
    ActivityLog.model,
    ActivityLog.status,
    ActivityLog.error,
    sa.literal(1).label("executions"),
    ActivityLog.tokens_used,
    ActivityLog.input_tokens,
    ActivityLog.output_tokens,
    ActivityLog.cached_tokens,
    ActivityLog.cost_usd,
    sa.case((ActivityLog.unpriced.is_(True), 1), else_=0).label("unpriced"),
    sa.case((ActivityLog.duration_ms.is_not(None), 1), else_=0).label("timed"),
    ActivityLog.duration_ms.label("duration_sum_ms"),
    sa.null().label("durations"),
    ActivityLog.created_at.label("last_used_at"),
)
