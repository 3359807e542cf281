"""What figures point to: the names of agents, and a log behind an error."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.clock import uuid7_from
from ...core.tenancy import TenantSession
from ..activity.models import ActivityLog
from ..agents.models import Agent
from .which import Only

_MILLISECOND = timedelta(milliseconds=1)

_NAMES = sa.select(Agent.id, Agent.name).where(Agent.id.in_(sa.bindparam("ids", expanding=True)))

_LOGGED_NAME = (
    sa.select(ActivityLog.agent_name)
    .where(ActivityLog.agent_id == sa.bindparam("agent_id"))
    .order_by(ActivityLog.id.desc())
    .limit(1)
)


def agent_names(session: TenantSession, agent_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The names of agents; of deleted ones the last that the log knows."""
    wanted = [agent_id for agent_id in agent_ids if agent_id is not None]
    names = {row.id: row.name for row in session.execute(_NAMES, {"ids": wanted})}
    gone = (agent_id for agent_id in wanted if agent_id not in names)
    logged = {agent_id: session.scalar(_LOGGED_NAME, {"agent_id": agent_id}) for agent_id in gone}
    return names | {agent_id: name for agent_id, name in logged.items() if name is not None}


def last_case(
    session: TenantSession,
    error: str,
    status: str,
    at: datetime | None,
    only: Only,
) -> UUID | None:
    """A log that ended so, begun in the millisecond of the last one; None when it is no longer kept."""
    if at is None:
        return None
    values: dict[str, Any] = {"error": error, "status": status, "source": only.source}
    values |= {"agents": only.agent_ids, "user": only.user_id}
    values |= {"start": at, "end": at + _MILLISECOND}
    values |= {"first": uuid7_from(at), "last": uuid7_from(at + _MILLISECOND)}
    narrowed = (only.agent_ids is not None, only.user_id is not None, only.source is not None)
    return session.scalar(_last_case(*narrowed), values)


@cache
def _last_case(of_agents: bool, of_user: bool, of_source: bool) -> sa.Select[UUID]:
    log, value = ActivityLog, sa.bindparam
    found = sa.select(log.id).where(
        log.id >= value("first"),
        log.id < value("last"),
        log.created_at >= value("start"),
        log.created_at < value("end"),
        log.action == "execute",
        log.status == value("status"),
        sa.func.coalesce(log.error, log.status) == value("error"),
    )
    if of_agents:
        found = found.where(log.agent_id.in_(value("agents", expanding=True)))
    if of_user:
        found = found.where(log.user_id == value("user"))
    if of_source:
        found = found.where(log.source == value("source"))
    return found.order_by(log.id.desc()).limit(1)
