"""What the figures tell: one answer each, of one period."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ...core.clock import utcnow
from ...core.tenancy import TenantSession
from ...errors import BadRequest
from ...types import JSONObject
from .figures import Figures
from .names import agent_names, last_case
from .period import Period
from .reading import Only, read
from .steps import steps_of

MOST_ROWS = 200
"""Rows of one table, and agents of one list."""

_DAY = timedelta(days=1)

KEYS: Mapping[str, Callable[[Any], Any]] = {
    "agent": lambda row: row.agent_id,
    "user": lambda row: row.user_id,
    "tenant": lambda row: row.tenant_id,
    "provider": lambda row: row.provider,
    "model": lambda row: (row.provider, row.model),
}


def summary(session: TenantSession, period: Period, agent_id: UUID | None) -> JSONObject:
    """The figures of a period and of the one before it."""
    before = period.start - (period.end - period.start)
    previous, present = _stepwise(session, [before, period.start, period.end], agent_id)
    return present.full() | {"previous": previous.full(), "period": period.to_dict(), "as_of": utcnow()}


def timeseries(
    session: TenantSession, period: Period, step: str, zone: str, agent_id: UUID | None
) -> list[JSONObject]:
    """The figures of each step of a period."""
    starts = steps_of(period, step, zone)
    parts = _stepwise(session, [period.start, *starts[1:], period.end], agent_id)
    return [{"start": start} | part.brief() for start, part in zip(starts, parts, strict=True)]


def usage(session: TenantSession, period: Period, by: str, top: int, agent_id: UUID | None) -> list[JSONObject]:
    """The figures of each agent, user, tenant, model or provider."""
    if (key_of := KEYS.get(by)) is None:
        raise BadRequest(f"by={by[:30]} is not understood.", hint=f"Use one of {', '.join(KEYS)}.")
    _bound(top)
    parts: defaultdict[Any, Figures] = defaultdict(Figures)
    for row in read(session, [period.start, period.end], {by}, Only.agent(agent_id)):
        parts[key_of(row)].add(row)
    most = sorted(parts.items(), key=lambda part: (-part[1].executions, str(part[0])))[:top]
    names = agent_names(session, [key for key, _ in most]) if by == "agent" else {}
    return [_name(by, key, names) | part.brief() for key, part in most]


def _name(by: str, key: Any, names: Mapping[UUID, str]) -> JSONObject:
    if by == "agent":
        return {"key": key, "name": names.get(key)}
    if by == "model":
        provider, model = key
        return {"key": None if model is None else f"{provider or ''}/{model}".lstrip("/"), "name": model}
    return {"key": key, "name": key}


def errors(session: TenantSession, period: Period, top: int, agent_id: UUID | None) -> list[JSONObject]:
    """Each kind of error: how often, of how many agents, when last and where to read it."""
    _bound(top)
    parts: defaultdict[tuple[str | None, str], Figures] = defaultdict(Figures)
    agents: defaultdict[tuple[str | None, str], set[UUID | None]] = defaultdict(set)
    for row in read(session, [period.start, period.end], {"agent"}, Only.agent(agent_id, failed=True)):
        parts[row.error, row.status].add(row)
        agents[row.error, row.status].add(row.agent_id)
    most = sorted(parts.items(), key=lambda part: (-part[1].executions, str(part[0])))[:top]
    return [
        {
            "error": error or status,
            "status": status,
            "executions": part.executions,
            "agents": len(agents[error, status] - {None}),
            "last_at": part.last_used_at,
            "example_log_id": last_case(session, error, status, part.last_used_at, agent_id),
        }
        for (error, status), part in most
    ]


def weekly(session: TenantSession, agent_ids: Sequence[UUID]) -> dict[UUID, JSONObject]:
    """The figures of each of these agents in the last seven days."""
    if len(agent_ids) > MOST_ROWS:
        raise BadRequest(f"Ask for at most {MOST_ROWS} agents at once.")
    begin = utcnow().replace(hour=0, minute=0, second=0, microsecond=0) - 6 * _DAY
    parts = {agent_id: Figures() for agent_id in agent_ids}
    days = {agent_id: [0] * 7 for agent_id in agent_ids}
    for row in read(session, [begin, begin + 7 * _DAY], {"agent"}, Only(list(parts))):
        parts[row.agent_id].add(row)
        days[row.agent_id][(row.at - begin).days] += row.executions
    return {agent_id: _week(part, days[agent_id]) for agent_id, part in parts.items()}


def _week(part: Figures, days: list[int]) -> JSONObject:
    return {
        "executions": part.executions,
        "success_rate": part.success_rate,
        "cost_usd": part.cost(),
        "by_day": days,
    }


def _stepwise(session: TenantSession, bounds: list[datetime], agent_id: UUID | None) -> list[Figures]:
    """The figures between each two neighbours of these times."""
    parts = [Figures() for _ in bounds[1:]]
    for row in read(session, bounds, set(), Only.agent(agent_id)):
        parts[bisect_right(bounds, row.at) - 1].add(row)
    return parts


def _bound(top: int) -> None:
    if not 1 <= top <= MOST_ROWS:
        raise BadRequest(f"top={top} is out of range.", hint=f"Ask for 1 to {MOST_ROWS}.")
