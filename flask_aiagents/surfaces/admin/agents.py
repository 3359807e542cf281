"""The list of agents, and what can be done to several of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_admin.actions import action

from ...features.access.policy import Permission
from ...features.agents.columns import AGENT_COLUMNS
from ...features.agents.models import Status
from ...llm.providers import PROVIDERS
from ...web.filtering import Query
from ...web.pagination import Page
from .agent_pages import AgentPages
from .agent_words import spoken
from .filters import Choice, Text
from .texts import _l


class AgentsView(AgentPages):
    """Agents: the tenant's and those that all share."""

    slug = "agents"
    title = _l("Agents")
    icon = "cubes"
    permission = Permission.READ_AGENTS
    write_permission = Permission.UPDATE_AGENT
    columns = AGENT_COLUMNS
    cells_template = "aiagents/agent_cells.html"
    list_template = "aiagents/agents.html"
    empty_template = "aiagents/agents_empty.html"
    action_order = ("activate", "deactivate", "maintain", "delete")
    create_text = _l("New agent")
    can_create = can_edit = can_delete = True
    search_columns = ("name", "description")
    column_list = ("name", "agent_type", "status", "model", "capabilities", "success_rate", "week", "cost")
    column_labels = {
        "name": _l("Name"),
        "agent_type": _l("Type"),
        "status": _l("Status"),
        "model": _l("Model"),
        "capabilities": _l("Capabilities"),
        "success_rate": _l("Success"),
        "week": _l("Runs, 7 days"),
        "cost": _l("Cost, 7 days"),
    }
    column_sortable_list = ("name", "agent_type", "status")
    # Ids are in the order of creation, and have an index that serves all tenants.
    column_default_sort = ("id", True)
    filters = (
        Choice("status", _l("Status"), lambda _: _words(Status)),
        Choice("agent_type", _l("Type"), lambda view: _words(view.system.agents.catalogue.agent_types)),
        Choice(
            "capability",
            _l("Capability"),
            lambda view: _words(view.system.agents.catalogue.capabilities),
            column="capabilities",
            operator="cs",
        ),
        Choice(
            "provider", _l("Provider"), lambda view: _same(PROVIDERS), column="model_config", path=("provider",)
        ),
        Text("model", _l("Model"), column="model_config", path=("model",)),
        Text("tenant", _l("Tenant"), column="tenant_id", super_admin_only=True),
    )

    def find_page(self, query: Query) -> Page:
        return self.system.agents.list(query)

    def find_one(self, id_: UUID) -> Any:
        return self.system.agents.get(id_)

    def enrich(self, rows: list[Any]) -> list[Any]:
        """With the figures of the last 7 days, where the principal may see figures."""
        week = {}
        if self.may(Permission.READ_ANALYTICS):
            week = self.system.analytics.weekly([row["id"] for row in rows])
        return [row | {"weekly": week.get(row["id"])} for row in rows]

    def create_allowed(self) -> bool:
        return self.may(Permission.CREATE_AGENT)

    def delete_model(self, model: Any) -> bool:
        self.system.agents.delete(model.id)
        return True

    @action("activate", _l("Activate"))
    def activate(self, ids: list[str]) -> None:
        self._set_status(ids, Status.ACTIVE)

    @action(
        "deactivate",
        _l("Deactivate"),
        _l("Deactivate the ticked agents? Nobody can run them until they are active again."),
    )
    def deactivate(self, ids: list[str]) -> None:
        self._set_status(ids, Status.INACTIVE)

    @action("maintain", _l("Set to maintenance"))
    def maintain(self, ids: list[str]) -> None:
        self._set_status(ids, Status.MAINTENANCE)

    @action(
        "delete",
        _l("Delete"),
        _l("Delete the ticked agents with their configurations and keys? Their activity stays in the log."),
    )
    def delete(self, ids: list[str]) -> None:
        self.each(ids, self.system.agents.delete, "%(num)s agent deleted.", "%(num)s agents deleted.")

    def _set_status(self, ids: list[str], status: Status) -> None:
        def change(agent_id: UUID) -> None:
            self.system.agents.update(agent_id, {"status": status.value})

        self.each(ids, change, "%(num)s agent changed.", "%(num)s agents changed.")


def _same(values: Any) -> list[tuple[str, str]]:
    return [(value, value) for value in values]


def _words(values: Any) -> list[tuple[str, str]]:
    return [(str(value), spoken(str(value))) for value in values]
