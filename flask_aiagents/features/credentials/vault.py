"""Which key an execution may use for which model, and nothing else.

A stored key goes to the one (provider, origin) it was stored for. A key of the operator's environment goes
only to the provider's own origin or to one in ``AIAGENTS_TRUSTED_ORIGINS``. Where a tenant's configuration
chose the provider or the URL, only that tenant's own keys count.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.crypto import Keyring
from ...core.tenancy import TenantSession
from ...llm.models import PROVIDERS, default_origin
from ...llm.network import origin
from .models import Credential


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model that needs a key. ``own_only``: the tenant's own keys alone."""

    provider: str
    base_url: str | None
    own_only: bool = False

    @property
    def origin(self) -> str | None:
        return origin(self.base_url) if self.base_url else default_origin(self.provider)


_FIND = (
    sa.select(
        Credential.id,
        Credential.tenant_key,
        Credential.agent_key,
        Credential.provider,
        Credential.origin,
        Credential.ciphertext,
    )
    .where(
        sa.or_(
            sa.and_(
                Credential.agent_key == sa.bindparam("agent_key"),
                Credential.tenant_key.in_([sa.bindparam("tenant_key"), ""]),
            ),
            sa.and_(Credential.agent_key == "", Credential.tenant_key == sa.bindparam("tenant_key")),
        )
    )
    .order_by(Credential.agent_key.desc(), Credential.tenant_key.desc())
    .limit(200)
)
"""An agent's keys before its tenant's, a tenant's before the operator's: the order in which they are tried."""


class Vault:
    """Opens stored keys for executions."""

    def __init__(self, keyring: Keyring, trusted_origins: Sequence[str]) -> None:
        self._keyring = keyring
        self._trusted = {origin(url) for url in trusted_origins}

    def rows(self, session: TenantSession, agent_id: UUID | None, tenant_id: str | None) -> Sequence[Any]:
        """The stored keys of an agent and of a tenant that the session sees: all of them in the system scope."""
        agent_key = agent_id.hex if agent_id else ""
        return session.execute(_FIND, {"agent_key": agent_key, "tenant_key": tenant_id or ""}).all()

    def keys_for(self, wanted: Sequence[Wanted], rows: Sequence[Any]) -> list[str | None]:
        """For each wanted model its key, or None where there is none that may be used."""
        return [self._stored(rows, model) or self._from_environment(model) for model in wanted]

    def _stored(self, rows: Sequence[Any], model: Wanted) -> str | None:
        for row in rows:
            if (row.provider, row.origin) == (model.provider, model.origin) and (
                row.tenant_key or not model.own_only
            ):
                bound_to = binding(row.tenant_key, row.id, row.provider, row.origin)
                return self._keyring.decrypt(row.ciphertext, bound_to)
        return None

    def _from_environment(self, model: Wanted) -> str | None:
        if model.own_only or model.origin not in {default_origin(model.provider), *self._trusted}:
            return None
        return next(
            (os.environ[name] for name in PROVIDERS[model.provider].env_keys if os.environ.get(name)), None
        )


def binding(tenant_key: str, credential_id: UUID, provider: str, where: str) -> str:
    """What a ciphertext is bound to: moved to another row, tenant, provider or origin it cannot be opened."""
    return f"{tenant_key}|{credential_id.hex}|{provider}|{where}"
