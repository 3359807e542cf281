"""What figures point to: the names of agents, and a log behind an error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from ...core.clock import uuid7_from
from ...core.tenancy import TenantSession
from ..activity.models import ActivityLog
from ..agents.models import Agent

_MILLISECOND = timedelta(milliseconds=1)


def agent_names(session: TenantSession, agent_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The names of agents; of deleted ones the last that the log knows."""
    wanted = [agent_id for agent_id in agent_ids if agent_id is not None]
    found = session.execute(sa.select(Agent.id, Agent.name).where(Agent.id.in_(wanted)))
    names = {row.id: row.name for row in found}
    gone = {agent_id: _logged_name(session, agent_id) for agent_id in wanted if agent_id not in names}
    return names | {agent_id: name for agent_id, name in gone.items() if name is not None}


def _logged_name(session: TenantSession, agent_id: UUID) -> str | None:
    log = ActivityLog
    return session.scalar(
        sa.select(log.agent_name).where(log.agent_id == agent_id).order_by(log.id.desc()).limit(1)
    )


def last_case(
    session: TenantSession,
    error: str,
    status: str,
    at: datetime | None,
    agent_ids: Sequence[UUID] | None,
    user_id: str | None,
) -> UUID | None:
    """A log that ended so, begun in the millisecond of the last one; None when it is no longer kept."""
    if at is None:
        return None
    log = ActivityLog
    where = [
        log.id >= uuid7_from(at),
        log.id < uuid7_from(at + _MILLISECOND),
        log.action == "execute",
        log.status == status,
        sa.func.coalesce(log.error, log.status) == error,
        *([log.agent_id.in_(agent_ids)] if agent_ids is not None else []),
        *([log.user_id == user_id] if user_id is not None else []),
    ]
    return session.scalar(sa.select(log.id).where(*where).order_by(log.id.desc()).limit(1))
