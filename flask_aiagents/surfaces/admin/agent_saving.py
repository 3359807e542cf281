"""Keeping what a form of an agent says: the agent, its key and the tenant's configuration, all or nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ...errors import ConfigurationError, Invalid, NotFound, PreconditionFailed
from ...features.access.policy import Permission
from ...features.agents.models import Agent, AgentConfiguration
from ...web.filtering import Filter, Query
from .agent_form import AgentForm
from .texts import _
from .view import PanelView


def save(view: PanelView, form: AgentForm, agent: Agent | None, *, own: bool = True) -> Agent:
    """Make or change an agent as the form says.

    :param own: whether the agent itself may be changed; else only the tenant's key and configuration of it are.
    :raises Invalid: with messages for the form's fields; nothing is kept then.
    :raises PreconditionFailed: when somebody changed the agent since the form was opened.
    """
    system = view.system
    with system.database.transaction(system.access.scope(view.principal)):
        saved = _saved(system, form, agent, own)
        _configure(view, form, saved)
        _keep_key(system, form, saved)
        return saved


def _saved(system: Any, form: AgentForm, agent: Agent | None, own: bool) -> Agent:
    if agent is None:
        return _create(system, form)
    if not own and not form.was_sent("name"):
        return agent  # the form had only what is the tenant's; were there more, the service would refuse it
    data = form.data_for_service()
    data["capabilities"] = _in_their_order(data["capabilities"], agent.capabilities)
    config = data["model_config"]
    config["tools"] = _in_their_order(config["tools"], agent.model_config.get("tools"))
    return system.agents.update(agent.id, data, if_match=form.expected_version())


def _in_their_order(ticked: list[str] | None, stored: list[str] | None) -> list[str] | None:
    """Checkboxes stand in an order of their own; the same words in another order are no change."""
    return stored if sorted(ticked or ()) == sorted(stored or ()) else ticked


def _create(system: Any, form: AgentForm) -> Agent:
    data = form.data_for_service()
    config = {name: value for name, value in data["model_config"].items() if value is not None}
    return system.agents.create(data | {"model_config": config})


def _configure(view: PanelView, form: AgentForm, agent: Agent) -> None:
    if not form.was_sent("configuration"):
        return
    wanted, stored = form.sent("configuration"), configuration_of(view, agent.id)
    if wanted is None and stored is not None:
        view.system.configurations.delete(agent.id)
    elif wanted is not None and (stored is None or _differs(stored, wanted, form.is_active.data)):
        view.system.configurations.put(agent.id, {"configuration": wanted, "is_active": form.is_active.data})


def _differs(stored: AgentConfiguration, wanted: Any, is_active: bool) -> bool:
    return (stored.configuration, stored.is_active) != (wanted, is_active)


def _keep_key(system: Any, form: AgentForm, agent: Agent) -> None:
    if "remove_key" in form and form.remove_key.data:
        system.credentials.delete_for_agent(agent.id)
    if (key := form.sent("api_key")) is None:
        return
    try:
        system.credentials.put_for_agent(agent.id, {"api_key": key})
    except (ConfigurationError, Invalid) as error:
        if error.details:
            raise
        # No encryption key, or a provider that takes none: the form is where a person learns of it.
        raise Invalid(error.message, details={"api_key": [str(error)]}) from error


def configuration_of(view: PanelView, agent_id: UUID) -> AgentConfiguration | None:
    """The configuration of an agent for the principal's tenant, where there is one that the principal may read."""
    if view.principal.tenant_id is None or not view.may(Permission.READ_CONFIGURATION):
        return None
    try:
        return view.system.configurations.get(agent_id)[0]
    except NotFound:
        return None


def meanwhile(view: PanelView, form: AgentForm, agent: Agent, error: PreconditionFailed) -> None:
    """Say who changed the agent while the form was open; sent again, the form replaces that."""
    changes = view.system.activity.list_for_agent(
        agent.id, Query(terms=(Filter("action", "eq", "update"),), order=(("id", True),), limit=1)
    )
    last = next(iter(changes.items), None)
    who = view.names.label("user", last["user_id"]) if last else _("somebody")
    what = ", ".join(sorted(last["request_data"])) if last and isinstance(last["request_data"], dict) else ""
    form.top_errors.append(
        _(
            "This agent was changed meanwhile by %(who)s (%(what)s). Your text is kept: save again to put it in "
            "place of theirs, or open the agent anew to see what changed.",
            who=who,
            what=what or error.message,
        )
    )
    form.version.data = str(agent.version)
