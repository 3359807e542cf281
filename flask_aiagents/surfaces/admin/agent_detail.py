"""What the page of one agent tells, as far as the principal may know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ...features.access.policy import Permission
from ...features.activity.models import Source
from ...features.agents.configurations import effective
from ...features.agents.models import Agent, AgentConfiguration
from ...features.analytics.period import Period
from ...types import JSONObject
from ...web.filtering import Filter, Query
from .agent_form import MODEL_FIELDS
from .agent_saving import configuration_of
from .texts import _
from .view import PanelView

CHANGES = "(create,update,configure,store_credential,delete_credential)"
"""Actions that change what an agent is; the rest is what it did."""

_BY_SYSTEM = Filter("source", "eq", Source.SYSTEM.value)

SHOWN = 10
"""Logs of either kind that are shown; the activity page has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One key of the effective configuration."""

    key: str
    value: Any
    by_tenant: bool
    """Whether this tenant's configuration says so; else the agent does."""
    replaced: Any = None
    """What the agent itself says, where the configuration says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """Everything besides the agent itself."""

    settings: list[Setting]
    configuration: AgentConfiguration | None
    figures: list[tuple[str, JSONObject]]
    recent: list[JSONObject]
    changes: list[JSONObject]
    keys: list[JSONObject]


def detail_of(view: PanelView, agent: Agent) -> Detail:
    """What there is to tell of an agent, for the principal."""
    configuration = configuration_of(view, agent.id)
    recent = _logs(view, agent.id, Filter("action", "in", CHANGES, negated=True))
    # The system's own logs alone: what clients reported before such actions were refused proves nothing.
    changes = _logs(view, agent.id, Filter("action", "in", CHANGES), _BY_SYSTEM)
    view.names.fetch("user", [agent.created_by, *(log["user_id"] for log in (*recent, *changes))])
    return Detail(
        settings=settings_of(agent, configuration),
        configuration=configuration,
        figures=_figures(view, agent.id),
        recent=recent,
        changes=changes,
        keys=stored_keys(view, agent),
    )


def settings_of(agent: Agent, configuration: AgentConfiguration | None) -> list[Setting]:
    """The configuration that runs, key by key, and who says so; a key that the tenant took away has no value."""
    applied = configuration is not None and configuration.is_active
    overrides = configuration.configuration if configuration is not None and applied else {}
    running = effective(agent, configuration)
    order = [*MODEL_FIELDS, *sorted({*running, *overrides} - {*MODEL_FIELDS})]
    return [
        Setting(
            key=key,
            value=running.get(key),
            # Not only what is named: an override of the provider leaves the agent's base_url behind too.
            by_tenant=key in overrides or running.get(key) != agent.model_config.get(key),
            replaced=agent.model_config.get(key) if running.get(key) != agent.model_config.get(key) else None,
        )
        for key in order
        if key in running or key in agent.model_config
    ]


def stored_keys(view: PanelView, agent: Agent) -> list[JSONObject]:
    """The agent's own provider keys, masked, that the principal manages."""
    if not view.may(Permission.MANAGE_CREDENTIALS):
        return []
    query = Query(terms=(Filter("agent_id", "eq", str(agent.id)),), limit=SHOWN)
    owner = view.principal.tenant_id or agent.tenant_id
    return [key for key in view.system.credentials.list(query).items if key["tenant_id"] == owner]


def _figures(view: PanelView, agent_id: UUID) -> list[tuple[str, JSONObject]]:
    if not view.may(Permission.READ_ANALYTICS):
        return []
    analytics, zone = view.system.analytics, view.system.analytics.zone()
    spans = (("7d", _("Last 7 days")), ("30d", _("Last 30 days")))
    return [(text, analytics.agent_metrics(agent_id, Period.recent(span, zone=zone))) for span, text in spans]


def _logs(view: PanelView, agent_id: UUID, *wanted: Filter) -> list[JSONObject]:
    if not view.may(Permission.READ_ACTIVITY):
        return []
    # The id's order is time's, and the index on agent and id answers it.
    query = Query(terms=wanted, order=(("id", True),), limit=SHOWN)
    return view.system.activity.list_for_agent(agent_id, query).items
