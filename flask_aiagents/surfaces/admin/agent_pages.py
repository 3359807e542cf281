"""The pages of one agent: making, changing, copying and reading it, and testing its key."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_admin import expose

from ...core.principal import Principal
from ...errors import (
    AIAgentsError,
    BadRequest,
    Conflict,
    Invalid,
    PreconditionFailed,
    RateLimited,
    Unavailable,
)
from ...features.access.policy import Permission
from ...features.agents.models import NAME_LENGTH, Agent
from ...features.execution.result import Probed
from . import agent_words
from .agent_choices import Choices
from .agent_detail import detail_of, stored_keys
from .agent_form import AgentForm
from .agent_saving import configuration_of, meanwhile, save
from .agent_warnings import warnings
from .forms import messages
from .lists import ListView
from .pages import go, is_script, toast
from .texts import _
from .view import Answer

_SHOWN_IN_FORM = (Invalid, Conflict, BadRequest, RateLimited, Unavailable)
"""What a person mends in the form, or waits for with the form still open."""


class AgentPages(ListView):
    """What the list of agents leads to."""

    details_template = "aiagents/agent_detail.html"
    spoken = staticmethod(agent_words.spoken)

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Answer:
        """Make an agent, from nothing or like another one (``?copy=``).

        :raises Forbidden: for who may not make agents.
        """
        self.system.access.require(Permission.CREATE_AGENT)
        if request.method == "POST":
            return self._save(self._fitted(AgentForm(request.form), None), None)
        return self._show_form(self._fitted(self._copied() or self._blank(), None), None)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Answer:
        """Change an agent; of one that all tenants share, the tenant's own key and configuration.

        :raises Forbidden: for who may do neither.
        """
        agent = self.get_one(request.args.get("id", ""))
        if not (self.editable(agent) or self.may(Permission.WRITE_CONFIGURATION)):
            self.system.access.require(Permission.UPDATE_AGENT, row=agent)
        if request.method == "POST":
            return self._save(self._fitted(AgentForm(request.form), agent), agent)
        return self._show_form(self._fitted(AgentForm.of(agent, configuration_of(self, agent.id)), agent), agent)

    @expose("/details/")
    def details_view(self) -> str:
        """Read an agent: what it does for this tenant, how it fares, what happened to it."""
        agent = self.get_one(request.args.get("id", ""))
        return self.render(self.details_template, agent=agent, detail=detail_of(self, agent))

    @expose("/test/", methods=("POST",))
    def test_view(self) -> Answer:
        """Ask the form's model once, with the typed key or the stored one."""
        self.system.access.require(Permission.MANAGE_CREDENTIALS)
        agent = self.get_one(request.args["id"]) if request.args.get("id") else None
        form = self._fitted(AgentForm(request.form), agent)
        probed, error = self._probed(form, agent)
        if is_script():
            return self.render("aiagents/agent_test.html", probed=probed, error=error)
        return self._show_form(form, agent, probed=probed, test_error=error)

    def _probed(self, form: AgentForm, agent: Agent | None) -> tuple[Probed | None, AIAgentsError | None]:
        data = form.data_for_test(None if agent is None or self.editable(agent) else agent.model_config)
        try:
            return self.system.executions.test(data | ({"agent_id": str(agent.id)} if agent else {})), None
        except _SHOWN_IN_FORM as error:
            return None, error

    def warnings(self, agent: Agent) -> list[str]:
        """What keeps an agent from doing what it says."""
        return warnings(agent.capabilities, agent.model_config)

    def test_hint(self, kind: str | None) -> str:
        """What to do after a test that failed in this way."""
        return str(agent_words.TEST_HINTS.get(kind or "", ""))

    def wrong_words(self, error: AIAgentsError) -> str:
        """What is wrong, in one line: the messages for the fields, else the error itself."""
        if isinstance(error.details, dict):
            return " ".join(f"{name}: {message}" for name, message in messages(error.details))
        return str(error)

    def editable(self, row: Any) -> bool:
        """Return True when the principal may change this agent: a shared one only outside of any tenant."""
        own = self._get_field_value(row, "tenant_id") or _operates(self.principal)
        return bool(own) and self.may(Permission.UPDATE_AGENT, row)

    def selectable(self, row: Any) -> bool:
        """Return True for rows that the policy lets the principal change."""
        return self.may(Permission.UPDATE_AGENT, row)

    def status_editable(self, agent: Agent | None) -> bool:
        """Return True when the principal may change the status of this agent, or of a new one."""
        return agent is None or not agent.status_set_by_admin or self.may(Permission.OVERRIDE_STATUS, agent)

    def _blank(self) -> AgentForm:
        """A new form, with the model that new agents get."""
        form = AgentForm()
        if chosen := self.system.settings.default_model:
            form.provider.data, _colon, form.model.data = chosen.partition(":")
        return form

    def _copied(self) -> AgentForm | None:
        if not request.args.get("copy"):
            return None
        form = AgentForm.of(self.get_one(request.args["copy"]))
        ending = " " + _("(copy)")
        form.name.data = (form.name.data or "")[: NAME_LENGTH - len(ending)] + ending
        form.version.data = ""
        return form

    def _fitted(self, form: AgentForm, agent: Agent | None) -> AgentForm:
        """The form without what the principal may not do, or what has no tenant to belong to.

        :raises Forbidden: when it was sent all the same.
        """
        if not self.may(Permission.MANAGE_CREDENTIALS):
            if form.sent("api_key"):
                self.system.access.require(Permission.MANAGE_CREDENTIALS)
            del form.api_key, form.remove_key
        if not self.status_editable(agent):
            del form.status
        if agent is None or self.principal.tenant_id is None or not self.may(Permission.WRITE_CONFIGURATION):
            del form.configuration, form.is_active
        return form

    def _save(self, form: AgentForm, agent: Agent | None) -> Answer:
        try:
            saved = save(self, form, agent, own=agent is None or self.editable(agent))
        except PreconditionFailed as error:
            assert agent is not None  # noqa: S101  # only a stored one has a version
            meanwhile(self, form, self.get_one(agent.id), error)
        except _SHOWN_IN_FORM as error:
            form.show(error)
        else:
            toast(_("%(name)s was saved.", name=saved.name))
            if "modal" not in request.form:
                return go(self.get_url(".details_view", id=saved.id))  # that page shows the warnings itself
            for text in self.warnings(saved):
                toast(text, "info")
            return go(self.back())
        return self._show_form(form, agent), 422

    def _title(self, agent: Agent | None) -> str:
        if agent is None:
            return _("New agent")
        own = self.editable(agent)
        return _("Edit %(name)s", name=agent.name) if own else _("Configure %(name)s", name=agent.name)

    def _show_form(self, form: AgentForm, agent: Agent | None, **more: Any) -> str:
        modal = is_script() and "modal" in request.values
        template = "aiagents/agent_form_page.html"
        if is_script():
            template = "aiagents/modal_form.html" if modal else "aiagents/agent_form.html"
        return self.render(
            template,
            form=form,
            agent=agent,
            own=agent is None or self.editable(agent),
            shared=_operates(self.principal) and (agent is None or agent.tenant_id is None),
            choices=Choices.of(self.system, form),
            keys=stored_keys(self, agent) if agent else [],
            modal=modal,
            form_title=self._title(agent),
            form_body="aiagents/agent_form.html",
            **more,
        )


def _operates(principal: Principal) -> bool:
    """Whether it acts for what all tenants share."""
    return principal.is_super_admin and not principal.acting
