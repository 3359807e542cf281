"""The tenant that a super admin works for: picked once, kept in the session, seen in every page's head."""

from __future__ import annotations

from itertools import islice
from typing import Any

import sqlalchemy as sa
from flask import request
from flask_admin import expose

from ...core.principal import SHARED
from ...core.tenancy import SYSTEM
from ...features.agents.models import Agent
from ...llm.text import scrub
from .names import MAX_TENANTS, HostNames
from .pages import go, toast
from .picked import pick
from .texts import _, _l
from .view import Answer, PanelView

OFFERED = 50
"""Tenants shown at once; the search finds the others."""


class TenantPickerView(PanelView):
    """Choose a tenant to act for, or all."""

    super_admin_only = True
    slug = "tenant"
    title = _l("Tenant")

    def is_visible(self) -> bool:
        """It is reached from the head of the page, not from the menu."""
        return False

    @expose("/")
    def index(self) -> str:
        """The tenants to pick from, as a page and in the modal."""
        wanted = request.args.get("q", "").strip().lower()
        found = tenants_of(self.system, self.names, wanted)
        template = "aiagents/tenant_picker_body.html" if "modal" in request.args else "aiagents/tenant_picker.html"
        return self.render(template, tenants=found[:OFFERED], more=len(found) > OFFERED, q=wanted, shared=SHARED)

    @expose("/", methods=("POST",))
    def pick(self) -> Answer:
        """Act for a tenant from now on; for all when none is named.

        :raises Invalid: for an overlong name.
        """
        principal = self.system.access.current()
        tenant = scrub(request.form.get("tenant", "")).strip() or None
        if tenant:
            principal.acting_for(tenant)  # refuses what is no tenant
        pick(principal, tenant)
        toast(_("You act for %(tenant)s now.", tenant=self.picked_tenant()), "info")
        return go(self.get_url("aiagents_panel_dashboard.index"))


def tenants_of(system: Any, names: HostNames, wanted: str = "") -> list[tuple[str, str]]:
    """Ids and names that contain a text: those that the host lists, else those that have agents."""
    listed = names.list_tenants() if names.list_tenants is not None else _with_agents(system, names)
    known = ((str(id_), str(name)) for id_, name in islice(listed, MAX_TENANTS))
    return [(id_, name) for id_, name in known if wanted in id_.lower() or wanted in name.lower()]


def _with_agents(system: Any, names: HostNames) -> list[tuple[str, str]]:
    with system.database.reading(SYSTEM) as reading:
        ids: Any = reading.scalars(_WITH_AGENTS).all()
    names.fetch("tenant", ids)
    return [(id_, names.label("tenant", id_)) for id_ in ids]


_WITH_AGENTS = (
    sa.select(Agent.tenant_id)
    .where(Agent.tenant_id.is_not(None))
    .distinct()
    .order_by(Agent.tenant_id)
    .limit(MAX_TENANTS)
)
