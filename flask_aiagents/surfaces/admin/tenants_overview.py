"""All tenants at a glance, for the operator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from flask import request
from flask_admin import expose

from ...core.principal import Principal
from ...core.tenancy import SYSTEM
from ...features.access.policy import Permission
from ...features.agents.models import Agent, Status
from ...features.analytics.period import Period
from ...web.json import time_text
from .tenants import tenants_of
from .texts import _l
from .view import PanelView

A_PAGE = 50
"""Tenants on one page."""

MOST = 200
"""The busiest tenants, which come first; the others follow by name."""


class TenantsView(PanelView):
    """Who has agents, how much they run and what it costs."""

    super_admin_only = True
    slug = "tenants"
    title = _l("Tenants")
    icon = "building-o"
    permission = Permission.READ_ANALYTICS

    @expose("/")
    def index(self) -> str:
        """A page of tenants, those with most runs first."""
        wanted = request.args.get("q", "").strip().lower()
        period = Period.recent("30d", zone=self.system.analytics.zone())
        usage = self._usage(period)
        found = tenants_of(self.system, self.names, wanted)
        page = max(0, min(request.args.get("page", 0, type=int), (len(found) - 1) // A_PAGE))
        found.sort(key=lambda one: (-usage.get(one[0], _NONE)["executions"], one[1].lower()))
        shown = found[page * A_PAGE : (page + 1) * A_PAGE]
        usage |= self._usage_of([id_ for id_, _ in shown if id_ not in usage], period)
        agents = self._agents([id_ for id_, _ in shown])
        rows = [
            {"id": id_, "name": name, "usage": usage.get(id_, _NONE), "agents": agents.get(id_, (0, 0))}
            for id_, name in shown
        ]
        since = time_text(period.start)
        more = len(found) > (page + 1) * A_PAGE
        return self.render("aiagents/tenants.html", rows=rows, page=page, more=more, q=wanted, since=since)

    def _usage(self, period: Period) -> dict[str, Any]:
        rows = self.system.analytics.usage(period, by="tenant", top=MOST, principal=self._everywhere())
        return {row["key"]: row for row in rows if row["key"]}

    def _usage_of(self, ids: list[str], period: Period) -> dict[str, Any]:
        return self.system.analytics.of_tenants(period, ids, principal=self._everywhere()) if ids else {}

    def _everywhere(self) -> Principal:
        return replace(self.principal, tenant_id=None, acting=False)

    def _agents(self, ids: list[str]) -> dict[str, tuple[int, int]]:
        """How many agents each tenant has, and how many of them are active."""
        with self.system.database.reading(SYSTEM) as session:
            rows = session.execute(_COUNTS, {"ids": ids}).all()
        return {row.tenant_id: (row.agents, int(row.active or 0)) for row in rows}


_NONE = {"executions": 0, "success_rate": None, "cost_usd": None, "p95_ms": None, "client_reported": None}

_COUNTS = (
    sa.select(
        Agent.tenant_id,
        sa.func.count().label("agents"),
        sa.func.sum(sa.case((Agent.status == Status.ACTIVE.value, 1), else_=0)).label("active"),
    )
    .where(Agent.tenant_id.in_(sa.bindparam("ids", expanding=True)))
    .group_by(Agent.tenant_id)
)
