"""API keys: made, with the only sight of their token, and revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import make_response
from flask_admin.actions import action
from wtforms import SelectField, StringField

from ...core.clock import utcnow
from ...core.principal import Role
from ...features.access.columns import COLUMNS
from ...features.access.policy import Permission
from ...types import JSONObject
from ...web.filtering import Filter, Group, Query, Term
from ...web.json import time_text
from ...web.pagination import Page
from . import agent_words
from .agent_fields import LinesField, WordsField
from .filters import Choice, Text
from .form_pages import FormPages
from .forms import PanelForm
from .key_words import PERMISSIONS
from .texts import _l, ngettext
from .view import Answer

EXPIRIES = (("30", _l("in 30 days")), ("90", _l("in 90 days")), ("365", _l("in a year")), ("", _l("never")))
STATES = (("active", _l("Active")), ("expired", _l("Expired")), ("revoked", _l("Revoked")))
_RANKS = (Role.USER, Role.TENANT_ADMIN, Role.SUPER_ADMIN)


class KeyForm(PanelForm):
    """A new key."""

    name = StringField(_l("Name"))
    role = SelectField(_l("Role"), validate_choice=False)
    permissions = WordsField(_l("Permissions"))
    agents = LinesField(_l("Agents"), render_kw={"rows": 3, "spellcheck": "false"})
    expires = SelectField(_l("Expires"), validate_choice=False)

    paths = {"expires": "expires_at", "agents": "agent_ids"}

    def data_for_service(self) -> JSONObject:
        """With the time of expiry instead of the days until then; for the schema to refuse when not offered."""
        data: JSONObject = {"name": self.name.data or "", "role": self.role.data}
        data["permissions"] = self.permissions.sent or None
        data["agent_ids"] = [line.strip() for line in self.agents.sent or () if line.strip()] or None
        if end := self.expires.data:
            known = end in dict(EXPIRIES)
            data["expires_at"] = time_text(utcnow() + timedelta(days=int(end))) if known else end
        return data


class KeyState(Choice):
    """Active, expired or revoked: told by two columns."""

    def terms(self, args: Any) -> tuple[Term, ...]:
        now = time_text(utcnow())
        match args.get(self.name):
            case "revoked":
                return (Filter("revoked_at", "is", "null", negated=True),)
            case "expired":
                return Filter("revoked_at", "is", "null"), Filter("expires_at", "lt", now)
            case "active":
                open_end = (Filter("expires_at", "is", "null"), Filter("expires_at", "gte", now))
                return Filter("revoked_at", "is", "null"), Group("or", open_end)
        return ()


class KeysView(FormPages):
    """The tenant's keys for machines."""

    slug = "keys"
    title = _l("API keys")
    icon = "key"
    permission = write_permission = Permission.MANAGE_KEYS
    columns = COLUMNS
    cells_template = "aiagents/key_cells.html"
    list_template = "aiagents/keys.html"
    empty_template = "aiagents/keys_empty.html"
    form_body = "aiagents/key_form.html"
    form_class = KeyForm
    create_text = _l("New API key")
    can_create = can_delete = True
    action_order = ("revoke",)
    search_columns = ("name",)
    column_list = ("name", "state", "role", "limits", "user_id", "created_at", "expires_at", "last_used_at")
    column_labels = {
        "name": _l("Name"),
        "state": _l("Status"),
        "role": _l("Role"),
        "limits": _l("Limits"),
        "user_id": _l("Acts as"),
        "created_at": _l("Made"),
        "expires_at": _l("Expires"),
        "last_used_at": _l("Last used"),
    }
    column_sortable_list = ("name",)
    column_default_sort = ("id", True)
    filters = (KeyState("state", _l("Status"), lambda _: STATES), Text("user_id", _l("User id")))

    def find_page(self, query: Query) -> Page:
        return self.system.keys.list(query)

    def find_one(self, id_: UUID) -> Any:
        return self.system.keys.get(id_)

    def state(self, row: Any) -> str:
        """Whether a key still opens anything."""
        if self._get_field_value(row, "revoked_at"):
            return "revoked"
        expires = self._get_field_value(row, "expires_at")
        return "expired" if expires and expires <= utcnow() else "active"

    def limits(self, row: Any) -> list[str]:
        """Limits of a key within its role, in words; empty for a key that has all of it."""
        permissions, agents = (self._get_field_value(row, name) for name in ("permissions", "agent_ids"))
        found = []
        if permissions is not None:
            found.append(ngettext("%(num)s permission", "%(num)s permissions", len(permissions)))
        if agents is not None:
            found.append(ngettext("%(num)s agent", "%(num)s agents", len(agents)))
        return found

    def offered_permissions(self) -> list[tuple[str, str, str]]:
        """Permissions that the principal can give to a key: value, name and no further text."""
        return [(each.slug, str(words), "") for each, words in PERMISSIONS.items() if self.may(each)]

    spoken = staticmethod(agent_words.spoken)

    def new_form(self) -> KeyForm:
        form = super().new_form()
        form.role.choices = [(role.value, agent_words.spoken(role.value)) for role in self.possible_roles()]
        form.expires.choices = [(days, str(text)) for days, text in EXPIRIES]
        form.role.data = form.role.data or form.role.choices[0][0]
        form.expires.data = "90" if form.expires.data is None else form.expires.data
        return form

    def possible_roles(self) -> tuple[Role, ...]:
        """Roles of a new key: none wider than the principal, and a super admin's alone outside of a tenant."""
        if self.principal.tenant_id is None:
            return (Role.SUPER_ADMIN,)
        # Inside a tenant an operator makes that tenant's keys, which are no wider than its admin's.
        return _RANKS[: _RANKS.index(Role.TENANT_ADMIN if self.principal.acting else self.principal.role) + 1]

    def save(self, form: KeyForm) -> Answer:
        new = self.system.keys.create(form.data_for_service())
        template = "aiagents/key_created_body.html" if self.in_modal() else "aiagents/key_created.html"
        return make_response(self.render(template, key=new.key, token=new.token), 201)

    @action(
        "revoke",
        _l("Revoke"),
        _l("Revoke the ticked keys? What uses them, and the keys that they made, is locked out at once."),
    )
    def revoke(self, ids: list[str]) -> None:
        self.each(ids, self.system.keys.revoke, "%(num)s key revoked.", "%(num)s keys revoked.")

    def delete_model(self, model: Any) -> bool:
        self.system.keys.revoke(model.id)
        return True
