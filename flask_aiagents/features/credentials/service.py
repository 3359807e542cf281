"""Provider keys: stored sealed, each for one (provider, origin, path prefix)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import undefer

from ...config import Settings
from ...core.clock import uuid7
from ...core.crypto import Keyring
from ...core.db import Database
from ...core.ids import known_id
from ...core.principal import Principal
from ...core.rerun import rerunnable
from ...core.tenancy import SYSTEM, TenantSession
from ...errors import AIAgentsError, Forbidden, Invalid, NotFound
from ...llm.providers import PROVIDERS
from ...net.guard import check_base_url
from ...signals import CredentialChanged
from ...types import Id, JSONObject
from ...web.filtering import Query
from ...web.pagination import Page, list_page
from ...web.query_bounds import counted
from ...web.schema import load
from ..access.policy import Permission
from ..access.service import Access
from ..agents.configurations import effective, find_configured
from ..agents.models import Agent
from ..agents.service import find_agent
from .columns import CREDENTIAL_COLUMNS
from .models import PATH_LENGTH, Credential
from .schemas import CredentialSchema, TenantCredentialSchema
from .vault import binding, unseal

ROTATE_BATCH = 200
"""Secrets that one transaction of :meth:`Credentials.rotate` seals."""


class Credentials:
    """The provider keys of a tenant and of its agents."""

    def __init__(self, database: Database, access: Access, keyring: Keyring, settings: Settings) -> None:
        self._db = database
        self._access = access
        self._keyring = keyring
        self._settings = settings

    @rerunnable
    def put(self, data: Mapping[str, Any], *, principal: Principal | None = None) -> Credential:
        """Store a key for the whole tenant; it replaces one for the same provider, origin and path.

        :raises ConfigurationError: when the app has no encryption key.
        """
        principal = self._access.require(Permission.MANAGE_CREDENTIALS, principal)
        refuse_limited(principal)
        values = load(TenantCredentialSchema(), data)
        with self._db.transaction(self._access.scope(principal)) as session:
            return self._store(session, principal, values, None, values["provider"], values.get("base_url"))

    @rerunnable
    def put_for_agent(
        self, agent_id: Id, data: Mapping[str, Any], *, principal: Principal | None = None
    ) -> Credential:
        """Store a key for one agent, by default for the provider and base URL that the agent uses now.

        On a shared agent a tenant stores a key of its own; a super admin stores the one for all.
        """
        principal = self._access.require(Permission.MANAGE_CREDENTIALS, principal)
        values = load(CredentialSchema(), data)
        with self._db.transaction(self._access.scope(principal)) as session:
            agent, configuration = find_configured(session, agent_id, principal.tenant_id)
            config = effective(agent, configuration)
            provider = values.get("provider", config.get("provider"))
            if provider is None:
                raise Invalid(
                    "The agent has no model.",
                    details={"provider": ["Missing: name the provider that the key is for."]},
                )
            own = config.get("base_url") if provider == config.get("provider") else None
            return self._store(session, principal, values, agent, provider, values.get("base_url", own))

    @rerunnable
    def delete_for_agent(self, agent_id: Id, *, principal: Principal | None = None) -> None:
        """Remove the keys that this tenant stored for an agent.

        :raises NotFound: when there is none.
        """
        principal = self._access.require(Permission.MANAGE_CREDENTIALS, principal)
        with self._db.transaction(self._access.scope(principal)) as session:
            agent = find_agent(session, agent_id)
            owner = _owner(agent, principal)
            found = session.scalars(sa.select(Credential).where(_of(agent.id, owner))).all()
            if not found:
                raise NotFound("The agent has no credential of its own.", hint="There is nothing to delete.")
            for credential in found:
                self._remove(session, credential, principal, agent.name)

    def get(self, credential_id: Id, *, principal: Principal | None = None) -> Credential:
        """One key, masked.

        :raises NotFound: when there is none in the principal's tenant.
        """
        principal = self._access.require(Permission.MANAGE_CREDENTIALS, principal)
        with self._db.transaction(self._access.scope(principal)) as session:
            return _found(session, credential_id)

    def list(self, query: Query | None = None, *, principal: Principal | None = None) -> Page:
        """A page of the tenant's keys, masked."""
        principal = self._access.require(Permission.MANAGE_CREDENTIALS, principal)
        with self._db.reading(self._access.scope(principal), counted_for=counted(query, principal)) as session:
            return list_page(session, CREDENTIAL_COLUMNS, query)

    @rerunnable
    def delete(self, credential_id: Id, *, principal: Principal | None = None) -> None:
        """Remove one key."""
        principal = self._access.require(Permission.MANAGE_CREDENTIALS, principal)
        with self._db.transaction(self._access.scope(principal)) as session:
            self._remove(session, _found(session, credential_id), principal)

    def rotate(self) -> int:
        """Seal every secret with the first encryption key, in bounded batches; returns how many."""
        done, last = 0, UUID(int=0)
        while True:
            with self._db.transaction(SYSTEM) as session:
                batch = session.scalars(
                    sa.select(Credential)
                    .where(Credential.id > last)
                    .order_by(Credential.id)
                    .limit(ROTATE_BATCH)
                    .options(undefer(Credential.ciphertext))
                ).all()
                done += sum(self._reseal(credential) for credential in batch)
            if not batch:
                return done
            last = batch[-1].id

    def _store(
        self,
        session: TenantSession,
        principal: Principal,
        values: JSONObject,
        agent: Agent | None,
        provider: str,
        base_url: str | None,
    ) -> Credential:
        origin, path = self._place(provider, base_url)
        owner = _owner(agent, principal)
        statement = sa.select(Credential).where(
            _of(agent.id if agent else None, owner),
            Credential.provider == provider,
            Credential.origin == origin,
            Credential.path_prefix == path,
        )
        found = session.scalars(statement).one_or_none()
        if found is not None and values["api_key"] == found.masked:
            return found
        found = found or _new(agent, owner, principal, provider, origin, path)
        found.ciphertext = self._keyring.encrypt(values["api_key"], binding(found, path))
        found.masked = "****" + values["api_key"][-4:]
        session.add(found)
        session.flush()
        self._announce(found, principal, "store_credential", agent.name if agent else None)
        return found

    def _place(self, provider: str, base_url: str | None) -> tuple[str, str]:
        """Return the origin and the path prefix that a key is stored for."""
        if base_url is not None:
            try:
                check_base_url(base_url, self._settings.allowed_hosts)
            except AIAgentsError as error:
                raise Invalid("base_url is refused.", details={"base_url": [str(error)]}) from error
        if (place := PROVIDERS[provider].place(base_url)) is None:
            raise Invalid("This provider has no origin of its own.", hint="Send base_url with the key.")
        if len(place[1]) > PATH_LENGTH:
            raise Invalid(
                "base_url is too long.",
                details={"base_url": [f"The path of a stored key's URL has at most {PATH_LENGTH} characters."]},
            )
        return place

    def _reseal(self, credential: Credential) -> bool:
        opened = unseal(self._keyring, credential)
        if self._keyring.is_current(credential.ciphertext) and not opened.outdated:
            return False
        credential.ciphertext = self._keyring.encrypt(opened.secret, binding(credential, credential.path_prefix))
        return True

    def _remove(
        self, session: TenantSession, credential: Credential, principal: Principal, agent_name: str | None = None
    ) -> None:
        session.delete(credential)
        session.flush()
        self._announce(credential, principal, "delete_credential", agent_name)

    def _announce(
        self,
        credential: Credential,
        principal: Principal,
        change: Literal["store_credential", "delete_credential"],
        agent_name: str | None,
    ) -> None:
        self._db.announce(
            CredentialChanged(
                tenant_id=credential.tenant_id,
                user_id=principal.user_id,
                agent_id=credential.agent_id,
                agent_name=agent_name,
                credential_id=credential.id,
                provider=credential.provider,
                change=change,
            )
        )


def refuse_limited(principal: Principal) -> None:
    """Keep an API key that is limited to agents from what concerns the whole tenant.

    :raises Forbidden: for such a key.
    """
    if principal.limits.agent_ids is not None:
        raise Forbidden(
            "This API key is limited to agents and cannot use or change keys of the whole tenant.",
            hint="Name one of its agents.",
        )


def _owner(agent: Agent | None, principal: Principal) -> str | None:
    if agent is None and principal.tenant_id is None:
        raise Invalid(
            "A credential belongs to a tenant or an agent, and you act for no tenant.",
            hint="Send X-AIAgents-Tenant, store it for an agent, or set the provider's environment variable.",
        )
    if agent is not None and principal.is_super_admin and not principal.acting:
        return agent.tenant_id
    return principal.tenant_id


def _of(agent_id: UUID | None, owner: str | None) -> sa.ColumnElement[bool]:
    return sa.and_(
        Credential.tenant_key == (owner or ""), Credential.agent_key == (agent_id.hex if agent_id else "")
    )


def _new(
    agent: Agent | None, owner: str | None, principal: Principal, provider: str, origin: str, path: str
) -> Credential:
    return Credential(
        id=uuid7(),
        tenant_id=owner,
        tenant_key=owner or "",
        agent_id=agent.id if agent else None,
        agent_key=agent.id.hex if agent else "",
        agent_tenant_key=agent.tenant_key if agent else None,
        provider=provider,
        origin=origin,
        path_prefix=path,
        created_by=principal.user_id,
    )


def _found(session: TenantSession, credential_id: Id) -> Credential:
    if (credential := session.get(Credential, known_id(credential_id, _absent))) is None:
        raise _absent(credential_id)
    return credential


def _absent(credential_id: Id) -> NotFound:
    return NotFound(f"There is no credential {credential_id}.", hint="GET /ai_agent_credentials lists yours.")
