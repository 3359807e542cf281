"""What is to be run: an agent as its tenant has configured it, and the stored keys that it may use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.db import Database
from ...core.ids import known_id
from ...core.principal import Principal
from ...core.tenancy import SYSTEM, Scope, TenantSession
from ...errors import Conflict
from ...llm.providers import PROVIDERS
from ...types import Id, JSONObject
from ..agents.configurations import OF_TENANT
from ..agents.default_model import has_model
from ..agents.model_config import overlay
from ..agents.models import Agent, AgentConfiguration, Status
from ..agents.service import no_agent
from ..credentials.vault import Vault

_FIND = (
    sa.select(
        Agent.id,
        Agent.name,
        Agent.tenant_id,
        Agent.status,
        Agent.model_config,
        Agent.log_payload_kb,
        AgentConfiguration.configuration,
        AgentConfiguration.is_active,
    )
    .outerjoin(AgentConfiguration, OF_TENANT)
    .where(Agent.id == sa.bindparam("agent_id"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An agent that may run now."""

    id: UUID
    name: str
    own_config: JSONObject
    """What the agent's author wrote."""
    config: JSONObject
    """What runs: the author's, overlaid by the tenant's active configuration."""
    keys: Sequence[Any]
    """Rows of stored keys that it may use, the nearest first."""
    payload_kb: int
    """How much its logs keep of requests and answers."""


def find_subject(database: Database, vault: Vault, agent_id: Id, principal: Principal, scope: Scope) -> Subject:
    """The agent that a principal wants to run.

    :raises NotFound: when the principal cannot see it.
    :raises Conflict: when it is not active, or has no model.
    """
    with database.transaction(scope) as session:
        row = _row(session, agent_id, principal)
        config = overlay(row.model_config, row.configuration) if row.is_active else row.model_config
        _refuse_without_model(config)
        keyless = not _may_have_keys(config)
        # Only the system scope sees a shared agent's own keys, which have no tenant, and, for an API key that is
        # limited to agents, the keys of the whole tenant.
        near = keyless or scope.system or (row.tenant_id is not None and scope.agent_ids is None)
        keys = vault.rows(session, row.id, principal.tenant_id) if near and not keyless else []
    if not near:
        with database.transaction(SYSTEM) as session:
            keys = vault.rows(session, row.id, principal.tenant_id)
    return Subject(
        id=row.id,
        name=row.name,
        own_config=row.model_config,
        config=config,
        keys=keys,
        payload_kb=row.log_payload_kb,
    )


def _row(session: TenantSession, agent_id: Id, principal: Principal) -> Any:
    row = session.execute(
        _FIND, {"agent_id": known_id(agent_id, no_agent), "tenant_id": principal.tenant_id}
    ).one_or_none()
    if row is None:
        raise no_agent(agent_id)
    if row.status != Status.ACTIVE:
        raise Conflict(
            f"The agent is {row.status}, and only an active one runs.",
            error_code="not_active",
            details={"status": row.status},
            hint="Ask an admin to set its status to active.",
        )
    return row


def _refuse_without_model(config: JSONObject) -> None:
    if not has_model(config):
        raise Conflict(
            "The agent has no model.",
            error_code="no_model",
            hint="Set provider and model in its model_config, or in your tenant's configuration of it.",
        )


def _may_have_keys(config: JSONObject) -> bool:
    providers = [config["provider"], *(fallback["provider"] for fallback in config.get("fallbacks", ()))]
    return any(PROVIDERS[provider].dialect is not None for provider in providers)
