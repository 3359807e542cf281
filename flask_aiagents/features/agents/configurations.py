"""A tenant's overrides of an agent, its own or a shared one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ...core.db import Database
from ...core.ids import known_id
from ...core.principal import Principal
from ...core.rerun import rerunnable
from ...core.tenancy import TenantSession
from ...errors import Conflict, Invalid, NotFound
from ...signals import AgentConfigured
from ...types import Id, JSONObject
from ...web.filtering import Query
from ...web.pagination import Page, list_page
from ...web.query_bounds import counted
from ...web.schema import load
from ..access.policy import Permission
from ..access.service import Access
from .columns import CONFIGURATION_COLUMNS
from .model_config import ModelConfigSchema, overlay
from .models import Agent, AgentConfiguration
from .schemas import Catalogue, ConfigurationSchema
from .service import no_agent

OF_TENANT = sa.and_(
    AgentConfiguration.agent_id == Agent.id, AgentConfiguration.tenant_id == sa.bindparam("tenant_id")
)
"""Joins an agent to one tenant's configuration of it."""

_FIND = (
    sa.select(Agent, AgentConfiguration)
    .outerjoin(AgentConfiguration, OF_TENANT)
    .where(Agent.id == sa.bindparam("agent_id"))
)


class Configurations:
    """The configuration of an agent for the principal's tenant."""

    def __init__(self, database: Database, access: Access, catalogue: Catalogue) -> None:
        self._db = database
        self._access = access
        self._model_config = ModelConfigSchema()
        self._model_config.catalogue = catalogue

    def get(self, agent_id: Id, *, principal: Principal | None = None) -> tuple[AgentConfiguration, JSONObject]:
        """The overrides and the effective model configuration.

        :raises NotFound: when the agent cannot be seen, or this tenant has not configured it.
        """
        principal = self._access.require(Permission.READ_CONFIGURATION, principal)
        tenant = _tenant_of(principal)
        with self._db.transaction(self._access.scope(principal)) as session:
            agent, found = find_configured(session, agent_id, tenant)
        if found is None:
            raise NotFound("This tenant has not configured the agent.", hint="PUT a configuration first.")
        return found, effective(agent, found)

    def list(self, query: Query | None = None, *, principal: Principal | None = None) -> Page:
        """A page of the tenant's configurations."""
        principal = self._access.require(Permission.READ_CONFIGURATION, principal)
        with self._db.reading(self._access.scope(principal), counted_for=counted(query, principal)) as session:
            return list_page(session, CONFIGURATION_COLUMNS, query)

    @rerunnable
    def put(
        self, agent_id: Id, data: Mapping[str, Any], *, principal: Principal | None = None
    ) -> tuple[AgentConfiguration, JSONObject]:
        """Set the overrides; together with the agent's own they must make a valid model configuration."""
        principal = self._access.require(Permission.WRITE_CONFIGURATION, principal)
        tenant = _tenant_of(principal)
        values = load(ConfigurationSchema(), data)
        with self._db.transaction(self._access.scope(principal)) as session:
            agent, found = find_configured(session, agent_id, tenant)
            self._check(agent, values["configuration"])
            found = found or _new(agent, tenant)
            found.configuration, found.is_active = values["configuration"], values["is_active"]
            session.add(found)
            _flush(session)
            self._announce(agent, principal, tenant, found.configuration, found.is_active)
        return found, effective(agent, found)

    @rerunnable
    def delete(self, agent_id: Id, *, principal: Principal | None = None) -> None:
        """Take the overrides away; the agent's own configuration is in force again."""
        principal = self._access.require(Permission.WRITE_CONFIGURATION, principal)
        tenant = _tenant_of(principal)
        with self._db.transaction(self._access.scope(principal)) as session:
            agent, found = find_configured(session, agent_id, tenant)
            if found is None:
                raise NotFound("This tenant has not configured the agent.", hint="There is nothing to delete.")
            session.delete(found)
            session.flush()
            self._announce(agent, principal, tenant, None, False)

    def _check(self, agent: Agent, configuration: JSONObject) -> None:
        errors = self._model_config.validate(overlay(agent.model_config, configuration))
        if errors:
            raise Invalid(
                "The agent with this configuration would not be valid.", details={"configuration": errors}
            )

    def _announce(
        self, agent: Agent, principal: Principal, tenant: str, configuration: JSONObject | None, is_active: bool
    ) -> None:
        self._db.announce(
            AgentConfigured(
                agent_id=agent.id,
                agent_name=agent.name,
                tenant_id=tenant,
                user_id=principal.user_id,
                configuration=configuration,
                is_active=is_active,
            )
        )


def find_configured(
    session: TenantSession, agent_id: Id, tenant: str | None
) -> tuple[Agent, AgentConfiguration | None]:
    """An agent and a tenant's configuration of it, if it has one.

    :raises NotFound: when the session's scope does not see the agent.
    """
    row = session.execute(_FIND, {"agent_id": known_id(agent_id, no_agent), "tenant_id": tenant}).one_or_none()
    if row is None:
        raise no_agent(agent_id)
    agent, configuration = row
    return agent, configuration


def effective(agent: Agent, configuration: AgentConfiguration | None) -> JSONObject:
    """What an execution uses: the agent's model configuration, overlaid when the configuration is active."""
    if configuration is None or not configuration.is_active:
        return agent.model_config
    return overlay(agent.model_config, configuration.configuration)


def _new(agent: Agent, tenant: str) -> AgentConfiguration:
    return AgentConfiguration(agent_id=agent.id, agent_tenant_key=agent.tenant_key, tenant_id=tenant)


def _flush(session: TenantSession) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict("The agent was configured at the same moment.", hint="Read it again and retry.") from error


def _tenant_of(principal: Principal) -> str:
    if principal.tenant_id is None:
        raise Invalid(
            "A configuration belongs to a tenant, and you act for none.",
            hint="Send X-AIAgents-Tenant with the tenant's id.",
        )
    return principal.tenant_id
