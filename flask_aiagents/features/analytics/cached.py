"""The figures that agents carry, so that a list of agents needs no others."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.clock import uuid7_from
from ...core.tenancy import TenantSession
from ...web.json import dumps, time_text
from ..activity.models import ActivityLog, UnrolledLog
from ..agents.models import Agent
from .figures import Figures
from .levels import begin_of
from .models import Usage
from .period import DEFAULT, Period
from .reading import read
from .which import Only

REFRESH_EVERY = timedelta(minutes=1)
"""How often an agent's cached figures are taken anew at most."""

REFRESH_BATCH = 50
"""Agents that one tick refreshes."""


def due(since: datetime, as_of: datetime) -> sa.Select[Any]:
    """Agents that ran since, whose figures are older than ``as_of``: the oldest first, so that none starves."""
    rolled = sa.select(Usage.agent_id).where(
        Usage.level == "agent",
        Usage.grain == "day",
        Usage.period_start >= begin_of("day", since),
        Usage.last_used_at >= since,
    )
    unrolled = (
        sa.select(ActivityLog.agent_id)
        .join(UnrolledLog, UnrolledLog.log_id == ActivityLog.id)
        .where(UnrolledLog.log_id >= uuid7_from(since))
    )
    taken = sa.func.coalesce(Agent.cached_figures["as_of"].as_string(), "")
    return (
        sa.select(Agent.id)
        .where(sa.or_(Agent.id.in_(rolled), Agent.id.in_(unrolled)), taken <= time_text(as_of))
        .order_by(taken, Agent.id)
        .limit(REFRESH_BATCH)
    )


def refresh(session: TenantSession, agent_ids: Iterable[UUID], now: datetime) -> None:
    """Take the figures of these agents anew. Neither their version nor their ``updated_at`` changes.

    A tenant's agent carries what its tenant did, and not what an operator did besides; a shared one carries all.
    """
    period = Period.recent(DEFAULT, now)
    figures = {agent_id: Figures() for agent_id in agent_ids}
    owned = session.execute(sa.select(Agent.id, Agent.tenant_id).where(Agent.id.in_(list(figures))))
    owners = {agent.id: agent.tenant_id for agent in owned}
    for row in read(session, [period.start, period.end], {"agent", "tenant"}, Only(list(figures))):
        if owners[row.agent_id] in (None, row.tenant_id):
            figures[row.agent_id].add(row)
    for agent_id, part in figures.items():
        told = {"agent_id": agent_id, "period": period.to_dict(), "as_of": now} | part.of_agent()
        change = sa.update(Agent).where(Agent.id == agent_id)
        session.execute(change.values(cached_figures=json.loads(dumps(told))))
