"""Find the key that an execution may use for a model.

A stored key goes to the one (provider, origin, path prefix) it was stored for. A key of the operator's environment
goes only to the provider's own origin or to one in ``AIAGENTS_TRUSTED_ORIGINS``. Where a tenant's configuration
chose the provider or the URL, only that tenant's own keys count.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ...core.crypto import Keyring
from ...core.tenancy import Prepared, TenantSession
from ...errors import ConfigurationError
from ...llm.providers import PROVIDERS, default_origin
from ...net.guard import is_below, origin
from .key_form import KEY_FORM, clean_key
from .models import Credential


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model that needs a key. ``own_only``: the tenant's own keys alone."""

    provider: str
    base_url: str | None
    own_only: bool = False

    @property
    def place(self) -> tuple[str, str] | None:
        """Origin and path of the requests to it; None where neither the agent nor the provider names any."""
        return PROVIDERS[self.provider].place(self.base_url)

    @property
    def origin(self) -> str | None:
        return self.place[0] if self.place else None


class StoredKey(NamedTuple):
    """Columns of a stored key that an execution reads."""

    id: UUID
    tenant_key: str
    provider: str
    origin: str
    path_prefix: str
    ciphertext: str


KEY_COLUMNS = tuple(getattr(Credential, name).label(f"key_{name}") for name in StoredKey._fields)
"""The columns of a :class:`StoredKey`, for a statement that joins them to others."""

KEYS_OF_AGENT = sa.and_(
    Credential.tenant_key == sa.bindparam("tenant_key"),
    sa.or_(Credential.agent_key == sa.bindparam("agent_key"), Credential.agent_key == ""),
)
"""Joins a tenant's own agent to its keys and to those of the whole tenant."""

NEAREST_FIRST = (
    Credential.agent_key.desc(),
    Credential.tenant_key.desc(),
    sa.func.length(Credential.path_prefix).desc(),
)
"""An agent's keys come before its tenant's, a tenant's before the operator's, longer paths before shorter ones."""

_FIND = Prepared(
    sa.select(*KEY_COLUMNS)
    .where(
        sa.or_(
            sa.and_(
                Credential.agent_key == sa.bindparam("agent_key"),
                sa.or_(Credential.tenant_key == sa.bindparam("tenant_key"), Credential.tenant_key == ""),
            ),
            sa.and_(Credential.agent_key == "", Credential.tenant_key == sa.bindparam("tenant_key")),
        )
    )
    .order_by(*NEAREST_FIRST)
    .limit(200)
)


class Vault:
    """Opens stored keys for executions."""

    def __init__(self, keyring: Keyring, trusted_origins: Sequence[str]) -> None:
        self._keyring = keyring
        self._trusted = {origin(url) for url in trusted_origins}

    def rows(self, session: TenantSession, agent_id: UUID | None, tenant_id: str | None) -> Sequence[StoredKey]:
        """The stored keys of an agent and of a tenant that the session sees: all of them in the system scope."""
        agent_key = agent_id.hex if agent_id else ""
        rows = session.rows(_FIND, {"agent_key": agent_key, "tenant_key": tenant_id or ""})
        return [StoredKey(*row) for row in rows]

    def keys_for(self, wanted: Sequence[Wanted], rows: Sequence[StoredKey]) -> list[str | None]:
        """For each wanted model its key, or None where there is none that may be used."""
        return [self._stored(rows, model) or self._from_environment(model) for model in wanted]

    def _stored(self, rows: Sequence[StoredKey], model: Wanted) -> str | None:
        for row in rows:
            if _serves(row, model) and (row.tenant_key or not model.own_only):
                # stripped: keys stored by earlier versions may end in a line break
                return unseal(self._keyring, row).secret.strip()
        return None

    def _from_environment(self, model: Wanted) -> str | None:
        if model.own_only or model.origin not in {default_origin(model.provider), *self._trusted}:
            return None
        return next(filter(None, map(_environment_key, PROVIDERS[model.provider].env_keys)), None)


def _environment_key(name: str) -> str | None:
    text = os.environ.get(name, "").strip()
    if text and clean_key(text) is None:
        raise ConfigurationError(
            f"The environment variable {name} holds no usable API key: {KEY_FORM}", hint="Copy the key again."
        )
    return text or None


def _serves(row: StoredKey, model: Wanted) -> bool:
    """Whether a stored key is for the place that a model's requests go to."""
    if model.place is None or (row.provider, row.origin) != (model.provider, model.place[0]):
        return False
    return is_below(model.place[1], row.path_prefix)


class Unsealed(NamedTuple):
    """A provider key in the clear."""

    secret: str
    outdated: bool
    """True when it is sealed for the origin alone; ``flask aiagents credentials rotate`` seals it for the path."""


def unseal(keyring: Keyring, row: Any) -> Unsealed:
    """Open a stored key.

    :raises ConfigurationError: when its encryption key is gone, or the ciphertext was moved or altered.
    """
    try:
        return Unsealed(keyring.decrypt(row.ciphertext, binding(row, row.path_prefix)), outdated=False)
    except ConfigurationError:
        return Unsealed(keyring.decrypt(row.ciphertext, binding(row, "")), outdated=True)


def binding(row: Any, path_prefix: str) -> str:
    """Return the associated data of a ciphertext: it opens in no other row, tenant, provider, origin or path."""
    return f"{row.tenant_key}|{row.id.hex}|{row.provider}|{row.origin}{path_prefix}"
