"""Agents: made, read, changed, deleted. Every door of the system comes through here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from ...core.clock import utcnow, uuid7
from ...core.db import Database
from ...core.ids import known_id
from ...core.principal import Principal
from ...core.rerun import rerunnable
from ...core.tenancy import TenantSession
from ...errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from ...signals import AgentCreated, AgentDeleted, AgentUpdated
from ...types import JSON, Id, JSONObject
from ...web.filtering import Query
from ...web.pagination import Page, list_page
from ...web.query_bounds import counted
from ...web.schema import load
from ..access.policy import Permission
from ..access.service import Access
from .columns import COLUMNS_BY_SIGHT
from .default_model import default_model, new_values, require_model, with_default
from .figures import CARRIED, Sight, sight
from .models import Agent
from .schemas import AgentSchema, Catalogue

_EDITABLE = ("name", "description", "agent_type", "capabilities", "model_config", "status", "log_payload_kb")

_FIND = {
    seen: sa.select(Agent, carried.label("figures")).where(Agent.id == sa.bindparam("id"))
    for seen, carried in CARRIED.items()
}


class Agents:
    """The agents that a principal can see, and what it may do with them."""

    def __init__(self, database: Database, access: Access, catalogue: Catalogue) -> None:
        self._db = database
        self._access = access
        self.catalogue = catalogue
        self._schema = AgentSchema(catalogue=catalogue)
        self._default_model = default_model(catalogue.settings.default_model)

    def create(self, data: Mapping[str, Any], *, principal: Principal | None = None) -> Agent:
        """Make one agent in the principal's tenant; a super admin without a tenant makes a shared one.

        :raises Conflict: when the tenant has an agent of that name.
        """
        principal = self._access.require(Permission.CREATE_AGENT, principal)
        return self._insert([load(self._schema, data)], principal)[0]

    def create_many(self, data: Sequence[Mapping[str, Any]], *, principal: Principal | None = None) -> list[Agent]:
        """Make all of these agents, or none.

        :raises Conflict: when one of the names is taken.
        """
        principal = self._access.require(Permission.CREATE_AGENT, principal)
        return self._insert(load(self._schema, list(data), many=True), principal)

    @rerunnable
    def _insert(self, loaded: Sequence[JSONObject], principal: Principal) -> list[Agent]:
        loaded = [new_values(values, self._default_model) for values in loaded]
        agents = [self._new(values, principal) for values in loaded]
        with self._write(principal) as session:
            session.add_all(agents)
            self._flush(session, [agent.name for agent in agents])
            for agent, values in zip(agents, loaded, strict=True):
                self._db.announce(AgentCreated(**_about(agent, principal), values=values))
        return agents

    def get(self, agent_id: Id, *, principal: Principal | None = None) -> Agent:
        """One agent, the tenant's own or a shared one.

        :raises NotFound: when there is none that the principal can see.
        """
        principal = self._access.require(Permission.READ_AGENTS, principal)
        with self._db.shared(self._access.scope(principal), last=True) as session:
            return find_agent(session, agent_id, sight(self._access, principal))

    def list(self, query: Query | None = None, *, principal: Principal | None = None) -> Page:
        """A page of the agents that the principal can see."""
        principal = self._access.require(Permission.READ_AGENTS, principal)
        with self._db.reading(self._access.scope(principal), counted_for=counted(query, principal)) as session:
            return list_page(session, COLUMNS_BY_SIGHT[sight(self._access, principal)], query)

    @rerunnable
    def replace(
        self,
        agent_id: Id,
        data: Mapping[str, Any],
        *,
        if_match: int | None = None,
        principal: Principal | None = None,
    ) -> Agent:
        """Set every field; those left out go back to their defaults.

        But ``log_payload_kb`` stays: whoever does not know of it must not have text logged again by that.
        """
        principal = self._access.require(Permission.UPDATE_AGENT, principal)
        values = with_default(load(self._schema, data), self._default_model)
        with self._write(principal) as session:
            agent = self._editable(session, agent_id, principal, if_match, Permission.UPDATE_AGENT)
            return self._apply(session, agent, values, principal)

    @rerunnable
    def update(
        self,
        agent_id: Id,
        data: Mapping[str, Any],
        *,
        if_match: int | None = None,
        principal: Principal | None = None,
    ) -> Agent:
        """Change the named fields. ``model_config`` is merged (RFC 7396): null takes a key away.

        :raises PreconditionFailed: when ``if_match`` is not the present version.
        """
        principal = self._access.require(Permission.UPDATE_AGENT, principal)
        with self._write(principal) as session:
            agent = self._editable(session, agent_id, principal, if_match, Permission.UPDATE_AGENT)
            if not isinstance(data, Mapping):
                raise Invalid("An agent's changes are a JSON object.", details={"_schema": ["Send an object."]})
            merged = {field: getattr(agent, field) for field in _EDITABLE} | dict(data)
            if isinstance(patch := data.get("model_config"), dict):
                merged["model_config"] = merge_patch(agent.model_config, patch)
            return self._apply(session, agent, load(self._schema, merged), principal)

    @rerunnable
    def delete(self, agent_id: Id, *, if_match: int | None = None, principal: Principal | None = None) -> None:
        """Delete an agent, its configurations and its credentials. Its activity logs stay."""
        principal = self._access.require(Permission.DELETE_AGENT, principal)
        with self._write(principal) as session:
            agent = self._editable(session, agent_id, principal, if_match, Permission.DELETE_AGENT)
            session.delete(agent)
            session.flush()
            self._db.announce(AgentDeleted(**_about(agent, principal)))

    def _new(self, values: JSONObject, principal: Principal) -> Agent:
        return Agent(id=uuid7(), tenant_id=principal.tenant_id, created_by=principal.user_id, **values)

    def _editable(
        self,
        session: TenantSession,
        agent_id: Id,
        principal: Principal,
        if_match: int | None,
        permission: Permission,
    ) -> Agent:
        agent = find_agent(session, agent_id, sight(self._access, principal))
        refuse_shared(agent, principal)
        self._access.require(permission, principal, row=agent)
        if if_match is not None and if_match != agent.version:
            raise PreconditionFailed(f"The agent is at version {agent.version}, not {if_match}.")
        return agent

    def _apply(self, session: TenantSession, agent: Agent, values: JSONObject, principal: Principal) -> Agent:
        require_model(values)
        changes = {field: value for field, value in values.items() if getattr(agent, field) != value}
        if changes:
            if "status" in changes:
                self._note_status(agent, principal)
            for field, value in changes.items():
                setattr(agent, field, value)
            agent.updated_at = utcnow()
            self._flush(session, [agent.name])
            self._db.announce(AgentUpdated(**_about(agent, principal), changes=changes))
        return agent

    def _note_status(self, agent: Agent, principal: Principal) -> None:
        if self._access.allows(principal, Permission.OVERRIDE_STATUS, agent):
            agent.status_set_by_admin = True
        elif agent.status_set_by_admin:
            raise Forbidden(
                f"An admin set the status to {agent.status}, and only an admin may change it.",
                hint=f'Send "status": "{agent.status}" with your other changes, or ask an admin of your tenant.',
            )

    def _write(self, principal: Principal) -> Any:
        return self._db.transaction(self._access.scope(principal))

    @staticmethod
    def _flush(session: TenantSession, names: Sequence[str]) -> None:
        try:
            session.flush()
        except IntegrityError as error:
            raise Conflict(
                f"An agent of this tenant already has the name {' or '.join(map(repr, names[:3]))}.",
                details={"name": ["Taken already; choose another. Case does not tell names apart."]},
                hint="Choose another name; case does not tell names apart.",
            ) from error
        except StaleDataError as error:
            raise Conflict("The agent was changed at the same moment.", hint="Read it again and retry.") from error


def find_agent(session: TenantSession, agent_id: Id, seen: Sight = Sight.NOTHING) -> Agent:
    """The agent, when the session's scope sees it.

    :param seen: which of the figures that agents carry it is to have.
    :raises NotFound: otherwise, in the same words whether it is absent or another tenant's.
    """
    row = session.execute(_FIND[seen], {"id": known_id(agent_id, no_agent)}).one_or_none()
    if row is None:
        raise no_agent(agent_id)
    agent, agent.performance_metrics = row
    return agent


def absent_agents(session: TenantSession, agent_ids: Sequence[UUID]) -> list[UUID]:
    """Return those of some agents that the session's scope does not see."""
    seen = set(session.scalars(sa.select(Agent.id).where(Agent.id.in_(agent_ids))))
    return [agent_id for agent_id in agent_ids if agent_id not in seen]


def no_agent(agent_id: Id) -> NotFound:
    """The answer for an agent that is absent or another tenant's, in the same words."""
    return NotFound(f"There is no agent {agent_id}.", hint="GET /ai_agents lists those that you can see.")


def refuse_shared(agent: Agent, principal: Principal) -> None:
    """Only a super admin outside of any tenant changes what all tenants share.

    :raises Forbidden: for everybody else.
    """
    if agent.tenant_id is None and (principal.acting or not principal.is_super_admin):
        raise Forbidden("A shared agent can only be changed by a super admin.", hint="Configure it, or copy it.")


def merge_patch(target: JSON, patch: JSON) -> JSON:
    """Apply a JSON merge patch (RFC 7396): objects are merged at every depth, null removes a member."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def _about(agent: Agent, principal: Principal) -> dict[str, Any]:
    return {
        "agent_id": agent.id,
        "agent_name": agent.name,
        "tenant_id": agent.tenant_id,
        "user_id": principal.user_id,
    }
