"""What the figures tell: one answer each, of one period."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.clock import utcnow
from ...core.tenancy import TenantSession
from ...errors import BadRequest
from ...types import JSONObject
from ..activity.models import Source
from .figures import Figures
from .names import agent_names, last_case
from .period import Period
from .reading import read, settled, slim
from .steps import steps_of
from .which import Only

MOST_ROWS = 200
"""Rows of one table, and agents of one list."""

_KEPT = 256
"""Statements of one kind that are kept: more than dashboards have."""

_TOP = sa.bindparam("top", type_=sa.Integer)

_DAY = timedelta(days=1)

KEYS: Mapping[str, tuple[str, ...]] = {
    "agent": ("agent_id",),
    "user": ("user_id",),
    "tenant": ("tenant_id",),
    "provider": ("provider",),
    "model": ("provider", "model"),
    "action": ("action",),
}
"""What can be told apart, and by which columns."""


def summary(session: TenantSession, period: Period, only: Only) -> JSONObject:
    """The figures of a period and of the one before it."""
    before = period.start - (period.end - period.start)
    previous, present = stepwise(session, [before, period.start, period.end], only)
    return present.full() | {"previous": previous.full(), "period": period.to_dict(), "as_of": utcnow()}


def timeseries(session: TenantSession, period: Period, step: str, zone: str, only: Only) -> list[JSONObject]:
    """The figures of each step of a period."""
    starts = steps_of(period, step, zone)
    parts = stepwise(session, [period.start, *starts[1:], period.end], only)
    return [{"start": start} | part.brief() for start, part in zip(starts, parts, strict=True)]


def usage(session: TenantSession, period: Period, by: str, top: int, only: Only) -> list[JSONObject]:
    """The figures of each agent, user, tenant, model or provider that ran most, or of each action that was logged.

    The database says which ones these are; only theirs are read and added up.
    """
    if (columns := KEYS.get(by)) is None:
        raise BadRequest(f"by={by[:30]} is not understood.", hint=f"Use one of {', '.join(KEYS)}.")
    bound(top)
    most = leading(session, period, by, top, only, "executions")
    parts = {key: Figures() for key in most}
    among = only.among_these([dict(zip(columns, key, strict=True)) for key in most])
    for row in read(session, [period.start, period.end], {by}, among):
        # MariaDB takes words for the same that differ in spaces at their end.
        if part := parts.get(tuple(getattr(row, name) for name in columns)):
            part.add(row)
    ranked = sorted(parts.items(), key=lambda part: (-part[1].executions, str(part[0])))
    names = agent_names(session, [key[0] for key in most]) if by == "agent" else {}
    return [named(by, key, names) | part.brief() for key, part in ranked]


def of_tenants(session: TenantSession, period: Period, tenant_ids: Sequence[str]) -> dict[str, JSONObject]:
    """Return the metrics of each of these tenants; one without executions has zeros."""
    bound(max(1, len(tenant_ids)))
    parts = {tenant_id: Figures() for tenant_id in tenant_ids}
    among = Only().among_these([{"tenant_id": tenant_id} for tenant_id in tenant_ids])
    for row in read(session, [period.start, period.end], {"tenant"}, among) if parts else ():
        if part := parts.get(row.tenant_id):
            part.add(row)
    return {tenant_id: part.brief() for tenant_id, part in parts.items()}


def leading(
    session: TenantSession, period: Period, by: str, top: int, only: Only, measure: str
) -> list[tuple[Any, ...]]:
    """The keys of those of which a sum is largest, as near as the database can tell."""
    rows, values = slim(session, (period.start, period.end), {by}, only, *({measure} - {"executions"}))
    return [tuple(row) for row in session.execute(_leading(rows, by, measure), values | {"top": top})]


@lru_cache(maxsize=_KEPT)
def _leading(rows: sa.Subquery, by: str, measure: str) -> sa.Select[*tuple[Any, ...]]:
    keys = [rows.c[name] for name in KEYS[by]]
    # SQLite keeps large sums as text: as numbers they are not exact, but good enough to find the largest.
    most = sa.func.sum(sa.cast(rows.c[measure], sa.Float) if measure != "executions" else rows.c.executions).desc()
    return sa.select(*keys).group_by(*keys).order_by(most, *keys).limit(_TOP)


def named(by: str, key: Any, names: Mapping[UUID, str]) -> JSONObject:
    """How a row of a table is called."""
    if by == "agent":
        return {"key": key[0], "name": names.get(key[0])}
    if by == "model":
        provider, model = key
        return {"key": None if model is None else f"{provider or ''}/{model}".lstrip("/"), "name": model}
    return {"key": key[0], "name": key[0]}


def errors(session: TenantSession, period: Period, top: int, only: Only) -> list[JSONObject]:
    """Each kind of error: how often, of how many agents, when last and where to read it."""
    bound(top)
    rows, values = slim(session, (period.start, period.end), {"agent"}, replace(only, failed=True))
    found = session.execute(_errors(rows), values | {"top": top}).all()
    return [
        {
            "error": row.error,
            "status": row.status,
            "executions": int(row.executions),
            "agents": row.agents,
            "last_at": row.last_at,
            "example_log_id": last_case(session, row.error, row.status, row.last_at, only),
            "client_reported": {"executions": int(row.client_executions)},
        }
        for row in found
    ]


@lru_cache(maxsize=_KEPT)
def _errors(rows: sa.Subquery) -> sa.Select[*tuple[Any, ...]]:
    kind = (sa.func.coalesce(rows.c.error, rows.c.status).label("error"), rows.c.status)
    count, last = sa.func.sum(rows.c.executions), sa.func.max(rows.c.last_used_at)
    agents = sa.func.count(rows.c.agent_id.distinct())
    by_client = sa.func.sum(sa.case((rows.c.source == Source.CLIENT.value, rows.c.executions), else_=0))
    told = (
        count.label("executions"),
        by_client.label("client_executions"),
        agents.label("agents"),
        last.label("last_at"),
    )
    return sa.select(*kind, *told).group_by(*kind).order_by(count.desc(), *kind).limit(_TOP)


def weekly(session: TenantSession, agent_ids: Sequence[UUID]) -> dict[UUID, JSONObject]:
    """The figures of each of these agents in the last seven days."""
    if len(agent_ids) > MOST_ROWS:
        raise BadRequest(f"Ask for at most {MOST_ROWS} agents at once.")
    begin = utcnow().replace(hour=0, minute=0, second=0, microsecond=0) - 6 * _DAY
    parts = {agent_id: Figures() for agent_id in agent_ids}
    days = {agent_id: [0] * 7 for agent_id in agent_ids}
    for row in read(session, [begin + day * _DAY for day in range(8)], {"agent"}, Only(list(parts))):
        parts[row.agent_id].add(row)
        days[row.agent_id][(row.at - begin).days] += int(row.executions)
    return {agent_id: _week(part, days[agent_id]) for agent_id, part in parts.items()}


def _week(part: Figures, days: list[int]) -> JSONObject:
    return {
        "executions": part.executions,
        "success_rate": part.success_rate,
        "cost_usd": part.cost(),
        "by_day": days,
        "client_reported": part.by_client.to_dict(),
    }


def stepwise(session: TenantSession, bounds: list[datetime], only: Only) -> list[Figures]:
    """The figures between each two neighbours of these times."""
    parts = [Figures() for _ in bounds[1:]]
    bounds = settled(session, bounds, set(), only)
    for row in read(session, bounds, set(), only):
        parts[bisect_right(bounds, row.at) - 1].add(row)
    return parts


def bound(top: int) -> None:
    """:raises BadRequest: for a number of rows that no table has."""
    if not 1 <= top <= MOST_ROWS:
        raise BadRequest(f"top={top} is out of range.", hint=f"Ask for 1 to {MOST_ROWS}.")
