"""Tenants' overrides of agents: which settings differ, switched on and off, changed and removed."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import UUID

from flask import request
from flask_admin import expose
from flask_admin.actions import action
from wtforms import BooleanField, SelectField

from ...core.principal import Principal, acting_as
from ...errors import Invalid, NotFound
from ...features.access.policy import Permission
from ...features.agents.columns import CONFIGURATION_COLUMNS
from ...types import JSONObject
from ...web.filtering import MAX_LIMIT, Filter, Query
from ...web.pagination import Page
from .agent_fields import JsonField
from .filters import Choice, Id, Text
from .form_pages import FormPages, sent
from .formats import pretty_json
from .forms import PanelForm
from .pages import go, toast
from .texts import _, _l
from .view import Answer


class ConfigurationForm(PanelForm):
    """A tenant's overrides of one agent."""

    agent_id = SelectField(_l("Agent"), validate_choice=False)
    configuration = JsonField(_l("Overrides"))
    is_active = BooleanField(_l("Apply these overrides"))

    def data_for_service(self) -> JSONObject:
        """:raises Invalid: for what is no JSON, or JSON that no database keeps."""
        overrides = self.configuration.sent
        if problem := self.configuration.problem:
            raise Invalid(problem, details={"configuration": [problem]})
        blank = not (self.configuration.data or "").strip()
        return {"configuration": {} if blank else overrides, "is_active": bool(self.is_active.data)}


class ConfigurationsView(FormPages):
    """Overrides of the tenant; of all tenants for the operator."""

    slug = "configurations"
    title = _l("Configurations")
    icon = "sliders"
    permission = Permission.READ_CONFIGURATION
    write_permission = Permission.WRITE_CONFIGURATION
    columns = CONFIGURATION_COLUMNS
    cells_template = "aiagents/configuration_cells.html"
    empty_template = "aiagents/configurations_empty.html"
    form_body = "aiagents/configuration_form.html"
    form_class = ConfigurationForm
    create_text = _l("Override an agent")
    can_create = can_edit = can_delete = True
    action_order = ("activate", "deactivate", "delete")
    column_list = ("agent_id", "overrides", "is_active", "updated_at")
    column_labels = {
        "agent_id": _l("Agent"),
        "overrides": _l("Overrides"),
        "is_active": _l("Status"),
        "updated_at": _l("Changed"),
    }
    column_default_sort = ("id", True)
    filters = (
        Choice("is_active", _l("Status"), lambda _: [("true", _l("active")), ("false", _l("inactive"))]),
        Id("agent_id", _l("Agent id")),
        Text("tenant_id", _l("Tenant"), super_admin_only=True),
    )

    def find_page(self, query: Query) -> Page:
        return self.system.configurations.list(query)

    def find_one(self, id_: UUID) -> Any:
        found = self.system.configurations.list(Query(terms=(Filter("id", "eq", str(id_)),), limit=1)).items
        if not found:
            raise NotFound(_("There is no such configuration."), hint=_("Go back to the list."))
        return self.enrich(found)[0]

    def enrich(self, rows: list[Any]) -> list[Any]:
        """With the agents' names."""
        names = self._agent_names({str(row["agent_id"]) for row in rows})
        return [row | {"agent_name": names.get(row["agent_id"], "")} for row in rows]

    def row_name(self, row: Any) -> str:
        return str(row.get("agent_name") or row["agent_id"])

    def create_allowed(self) -> bool:
        return self.write_allowed() and self.principal.tenant_id is not None

    def new_form(self) -> ConfigurationForm:
        form = super().new_form()
        form.agent_id.choices = self._choices()
        if request.method == "GET":
            form.is_active.data, form.agent_id.data = True, request.args.get("agent_id")
        return form

    def save(self, form: ConfigurationForm) -> Answer:
        try:
            agent_id = UUID(form.agent_id.data or "")
        except ValueError:
            message = _("Choose an agent.")
            raise Invalid(message, details={"agent_id": [message]}) from None
        self.system.configurations.put(agent_id, form.data_for_service())
        toast(_("Saved."))
        return go(self.get_url(".index_view"))

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Answer:
        """The form that changes one."""
        row = self.get_one(request.args.get("id", ""))
        form = ConfigurationForm(sent())
        form.agent_id.choices, form.agent_id.data = (
            [(str(row["agent_id"]), row["agent_name"])],
            str(row["agent_id"]),
        )
        if request.method == "GET":
            form.configuration.data = pretty_json(row["configuration"])
            form.is_active.data = row["is_active"]
        with self._in_tenant_of(row):
            title = _("Configuration of %(name)s", name=row["agent_name"])
            effective = self.system.configurations.get(row["agent_id"])[1]
            return self.answer_form(form, title, self.save, row=row, effective=effective)

    @action("activate", _l("Activate"))
    def activate(self, ids: list[str]) -> None:
        self._switch(ids, True)

    @action("deactivate", _l("Deactivate"))
    def deactivate(self, ids: list[str]) -> None:
        self._switch(ids, False)

    @action("delete", _l("Delete"), _l("Delete the ticked overrides? Their agents then run as they are."))
    def delete(self, ids: list[str]) -> None:
        self.each(
            ids,
            lambda id_: self.delete_model(self.find_one(id_)),
            "%(num)s configuration deleted.",
            "%(num)s configurations deleted.",
        )

    def delete_model(self, model: Any) -> bool:
        with self._in_tenant_of(model):
            self.system.configurations.delete(model["agent_id"])
        return True

    def _switch(self, ids: list[str], active: bool) -> None:
        def change(id_: UUID) -> None:
            row = self.find_one(id_)
            with self._in_tenant_of(row):
                data = {"configuration": row["configuration"], "is_active": active}
                self.system.configurations.put(row["agent_id"], data)

        self.each(ids, change, "%(num)s configuration changed.", "%(num)s configurations changed.")

    def _in_tenant_of(self, row: Any) -> AbstractContextManager[Any]:
        """The operator, who sees all tenants' rows, changes one as that tenant's."""
        principal: Principal = self.principal
        if principal.is_super_admin and not principal.acting:
            return acting_as(principal.acting_for(row["tenant_id"]))
        return nullcontext()

    def _choices(self) -> list[tuple[str, str]]:
        query = Query(select=("id", "name"), order=(("name", False),), limit=MAX_LIMIT)
        return [(str(agent["id"]), agent["name"]) for agent in self.system.agents.list(query).items]

    def _agent_names(self, ids: set[str]) -> dict[UUID, str]:
        if not ids:
            return {}
        terms = (Filter("id", "in", f"({','.join(sorted(ids))})"),)
        agents = self.system.agents.list(Query(terms=terms, select=("id", "name"), limit=MAX_LIMIT)).items
        return {agent["id"]: agent["name"] for agent in agents}
