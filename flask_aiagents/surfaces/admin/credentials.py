"""Provider keys of the tenant: stored, replaced, removed; never shown again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from wtforms import PasswordField, SelectField, StringField

from ...features.access.policy import Permission
from ...features.credentials.columns import CREDENTIAL_COLUMNS
from ...llm.providers import PROVIDERS
from ...types import JSONObject
from ...web.filtering import Filter, Query
from ...web.pagination import Page
from .filters import Choice
from .form_pages import FormPages
from .forms import PanelForm
from .pages import go, toast
from .texts import _, _l
from .view import Answer


class CredentialForm(PanelForm):
    """A provider's key."""

    provider = SelectField(_l("Provider"), validate_choice=False)
    base_url = StringField(_l("Base URL"))
    api_key = PasswordField(_l("API key"))

    def data_for_service(self) -> JSONObject:
        data: JSONObject = {"provider": self.provider.data, "api_key": (self.api_key.data or "").strip()}
        return data | ({"base_url": self.base_url.data} if self.base_url.data else {})


class CredentialsView(FormPages):
    """Keys with which the tenant's agents talk to providers."""

    slug = "credentials"
    title = _l("Provider keys")
    icon = "lock"
    permission = write_permission = Permission.MANAGE_CREDENTIALS
    columns = CREDENTIAL_COLUMNS
    list_template = "aiagents/credentials.html"
    cells_template = "aiagents/credential_cells.html"
    empty_template = "aiagents/credentials_empty.html"
    form_body = "aiagents/credential_form.html"
    form_class = CredentialForm
    create_text = _l("Store a key")
    can_create = can_delete = True
    column_list = ("provider", "origin", "masked", "agent_id", "created_by", "updated_at")
    column_labels = {
        "provider": _l("Provider"),
        "origin": _l("Goes only to"),
        "masked": _l("Key"),
        "agent_id": _l("For"),
        "created_by": _l("Stored by"),
        "updated_at": _l("Changed"),
    }
    column_sortable_list = ("provider",)
    column_default_sort = ("id", True)
    filters = (Choice("provider", _l("Provider"), lambda _: [(name, name) for name in PROVIDERS]),)

    def find_page(self, query: Query) -> Page:
        return self.system.credentials.list(query)

    def find_one(self, id_: UUID) -> Any:
        return self.system.credentials.get(id_)

    def enrich(self, rows: list[Any]) -> list[Any]:
        """With the names of the agents that they are for."""
        ids = sorted({str(row["agent_id"]) for row in rows if row["agent_id"]})
        terms = (Filter("id", "in", f"({','.join(ids)})"),)
        agents = self.system.agents.list(Query(terms=terms, select=("id", "name"))).items if ids else []
        names = {agent["id"]: agent["name"] for agent in agents}
        return [row | {"agent_name": names.get(row["agent_id"])} for row in rows]

    def row_name(self, row: Any) -> str:
        return f"{row['provider']} {row['masked']}"

    @property
    def can_store(self) -> bool:
        """Whether the operator gave the app a key to encrypt with."""
        return bool(self.system.settings.encryption_keys)

    def create_allowed(self) -> bool:
        return self.can_store and self.write_allowed() and self.principal.tenant_id is not None

    def new_form(self) -> CredentialForm:
        form = super().new_form()
        form.provider.choices = [(name, name) for name, one in PROVIDERS.items() if name != "offline"]
        return form

    def save(self, form: CredentialForm) -> Answer:
        stored = self.system.credentials.put(form.data_for_service())
        place = stored.origin + stored.path_prefix
        toast(_("Stored: the key for %(origin)s that ends in %(end)s.", origin=place, end=stored.masked))
        return go(self.get_url(".index_view"))

    def delete_model(self, model: Any) -> bool:
        self.system.credentials.delete(model.id)
        return True
