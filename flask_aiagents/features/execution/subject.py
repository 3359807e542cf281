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
from ...core.tenancy import SYSTEM, Prepared, Scope, TenantSession
from ...errors import Conflict
from ...llm.providers import PROVIDERS
from ...types import Id, JSONObject
from ..agents.configurations import OF_TENANT
from ..agents.default_model import has_model
from ..agents.model_config import overlay
from ..agents.models import Agent, AgentConfiguration, Status
from ..agents.service import no_agent
from ..credentials.models import Credential
from ..credentials.vault import KEY_COLUMNS, KEYS_OF_AGENT, NEAREST_FIRST, StoredKey, Vault

JOINED_KEYS = 8
"""Stored keys that are read together with the agent; a statement of its own reads more, since each of these rows
repeats the agent."""

_FIND = Prepared(
    sa.select(
        Agent.id,
        Agent.name,
        Agent.tenant_id,
        Agent.status,
        Agent.model_config,
        Agent.log_payload_kb,
        AgentConfiguration.configuration,
        AgentConfiguration.is_active,
        *KEY_COLUMNS,
    )
    .outerjoin(AgentConfiguration, OF_TENANT)
    .outerjoin(Credential, KEYS_OF_AGENT)
    .where(Agent.id == sa.bindparam("agent_id"))
    .order_by(*NEAREST_FIRST)
    .limit(JOINED_KEYS + 1)
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
    keys: Sequence[StoredKey]
    """Rows of stored keys that it may use, the nearest first."""
    payload_kb: int
    """How much its logs keep of requests and answers."""


def find_subject(database: Database, vault: Vault, agent_id: Id, principal: Principal, scope: Scope) -> Subject:
    """The agent that a principal wants to run.

    :raises NotFound: when the principal cannot see it.
    :raises Conflict: when it is not active, or has no model.
    """
    with database.shared(scope) as session:
        rows = _rows(session, agent_id, principal)
    row = rows[0]
    config = overlay(row.model_config, row.configuration) if row.is_active else row.model_config
    _refuse_without_model(config)
    keys: Sequence[StoredKey] = []
    if _may_have_keys(config):
        # Only the system scope sees a shared agent's own keys, which have no tenant, and, for an API key that is
        # limited to agents, the keys of the whole tenant.
        sees_all = not scope.system and scope.agent_ids is None and row.tenant_id is not None
        keys = (
            _joined_keys(rows)
            if sees_all and len(rows) <= JOINED_KEYS
            else _all_keys(database, vault, row.id, principal)
        )
    return Subject(
        id=row.id,
        name=row.name,
        own_config=row.model_config,
        config=config,
        keys=keys,
        payload_kb=row.log_payload_kb,
    )


def _rows(session: TenantSession, agent_id: Id, principal: Principal) -> Sequence[Any]:
    """Read the agent, once for each of its stored keys."""
    known, tenant = known_id(agent_id, no_agent), principal.tenant_id
    wanted = {"agent_id": known, "tenant_id": tenant, "agent_key": known.hex, "tenant_key": tenant or ""}
    rows = session.rows(_FIND, wanted)
    if not rows:
        raise no_agent(agent_id)
    row = rows[0]
    if row.status != Status.ACTIVE:
        raise Conflict(
            f"The agent is {row.status}, and only an active one runs.",
            error_code="not_active",
            details={"status": row.status},
            hint="Ask an admin to set its status to active.",
        )
    return rows


def _joined_keys(rows: Sequence[Any]) -> list[StoredKey]:
    return [StoredKey(*row[-len(StoredKey._fields) :]) for row in rows if row.key_id is not None]


def _all_keys(database: Database, vault: Vault, agent_id: UUID, principal: Principal) -> Sequence[StoredKey]:
    with database.shared(SYSTEM) as session:
        return vault.rows(session, agent_id, principal.tenant_id)


def _refuse_without_model(config: JSONObject) -> None:
    if not has_model(config):
        raise Conflict(
            "The agent has no model.",
            error_code="no_model",
            hint="Set provider and model in its model_config, or in your tenant's configuration of it.",
        )


def _may_have_keys(config: JSONObject) -> bool:
    providers = [config["provider"], *(fallback["provider"] for fallback in config.get("fallbacks", ()))]
    return any(PROVIDERS[provider].adapter is not None for provider in providers)
