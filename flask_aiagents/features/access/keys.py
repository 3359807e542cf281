"""Service of API keys: create, list, revoke."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from ...core.clock import utcnow, uuid7
from ...core.db import Database
from ...core.ids import known_id
from ...core.principal import Principal, Role
from ...core.rerun import rerunnable
from ...core.tenancy import SYSTEM, Scope, TenantSession
from ...errors import Forbidden, Invalid, NotFound
from ...signals import ApiKeyChanged
from ...types import Id
from ...web.filtering import Query
from ...web.pagination import Page, list_page
from ...web.query_bounds import counted
from ...web.schema import load
from . import lineage
from .columns import COLUMNS
from .granting import AbsentAgents, GrantedRights
from .models import ApiKey
from .policy import Permission
from .schemas import ApiKeySchema
from .service import Access
from .tokens import hash_token, new_token


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made, with the only sight of its token."""

    key: ApiKey
    token: str = field(repr=False)


class ApiKeys:
    """The keys of a tenant. A key never carries more than its maker has."""

    def __init__(self, database: Database, access: Access, absent_agents: AbsentAgents) -> None:
        self._db = database
        self._access = access
        self._rights = GrantedRights(database, access, absent_agents)

    @rerunnable
    def create(self, data: dict[str, Any], *, principal: Principal | None = None) -> NewKey:
        """Make a key that acts in the maker's tenant, as the maker or as the user that ``user_id`` names.

        :raises Forbidden: when the key would be wider or live longer than the key that makes it.
        :raises Invalid: for a role that needs a tenant where the maker acts for none, for permissions that the
            key's role does not have, and for agents that the maker cannot see.
        """
        principal = self._access.require(Permission.MANAGE_KEYS, principal)
        values = load(ApiKeySchema(), data)
        role = Role(values.pop("role", _widest(principal)))
        _refuse_wider(role, principal)
        _refuse_tenantless(role, principal)
        key = ApiKey(
            id=uuid7(),
            tenant_id=principal.tenant_id,
            user_id=values.pop("user_id", principal.user_id),
            role=role,
            created_by=principal.user_id,
            made_by_key_id=principal.key_id,
            permissions=self._rights.permissions(values.pop("permissions", None), role, principal),
            agent_ids=self._rights.agent_ids(values.pop("agent_ids", None), role, principal),
            **values,
        )
        token = new_token(key.id)
        key.token_hash = hash_token(token)
        with self._db.transaction(self._scope(principal)) as session:
            _refuse_longer(lineage.hold(session, principal), key)
            session.add(key)
            session.flush()
            self._announce(key, principal, "create_key")
        return NewKey(key, token)

    def get(self, key_id: Id, *, principal: Principal | None = None) -> ApiKey:
        """One key, without its token.

        :raises NotFound: when there is none in the principal's tenant.
        """
        principal = self._access.require(Permission.MANAGE_KEYS, principal)
        with self._db.transaction(self._access.scope(principal)) as session:
            return _found(session, key_id, principal)

    def list(self, query: Query | None = None, *, principal: Principal | None = None) -> Page:
        """The tenant's keys, a page at a time; a key limited to agents sees itself and what it made."""
        principal = self._access.require(Permission.MANAGE_KEYS, principal)
        with self._db.reading(self._access.scope(principal), counted_for=counted(query, principal)) as session:
            return list_page(session, COLUMNS, query, *_visible(principal))

    @rerunnable
    def revoke(self, key_id: Id, *, principal: Principal | None = None) -> None:
        """End a key and all that it made for good; revoking it again changes nothing.

        :raises NotFound: when there is none in the principal's tenant.
        """
        principal = self._access.require(Permission.MANAGE_KEYS, principal)
        with self._db.transaction(self._access.scope(principal)) as session:
            key = _found(session, key_id, principal)
        # A super admin's key may have made keys in several tenants.
        wide = key.role == Role.SUPER_ADMIN
        with self._db.transaction(SYSTEM if wide else self._access.scope(principal)) as session:
            for ended in lineage.revoke(session, [key.id], utcnow()):
                self._announce(ended, principal, "revoke_key")

    def _scope(self, principal: Principal) -> Scope:
        # The key of a super admin that acts for a tenant belongs to no tenant, and is to be locked all the same.
        return SYSTEM if principal.acting and principal.key_id else self._access.scope(principal)

    def _announce(self, key: ApiKey, principal: Principal, change: Literal["create_key", "revoke_key"]) -> None:
        self._db.announce(
            ApiKeyChanged(tenant_id=key.tenant_id, user_id=principal.user_id, key_id=key.id, change=change)
        )


def _refuse_longer(maker: ApiKey | None, key: ApiKey) -> None:
    if maker is not None and maker.expires_at and _later(key.expires_at, maker.expires_at):
        raise Forbidden(
            "A key cannot make one that outlives it.",
            hint=f"Set expires_at to {maker.expires_at.isoformat()} or before.",
        )


def _widest(principal: Principal) -> Role:
    # inside a tenant a super admin makes that tenant's keys; one for all tenants is made outside of any
    return Role.TENANT_ADMIN if principal.acting else principal.role


def _refuse_wider(role: Role, principal: Principal) -> None:
    if role.rank > _widest(principal).rank:
        raise Forbidden(f"A {principal.role} cannot make a key for a {role}.", hint="Ask for a narrower role.")


def _refuse_tenantless(role: Role, principal: Principal) -> None:
    if principal.tenant_id is None and role is not Role.SUPER_ADMIN:
        message = f"A {role} belongs to a tenant, and you act for none. Act for the key's tenant first."
        raise Invalid(
            "The key needs a tenant.", details={"role": [message]}, hint="Name the tenant in X-AIAgents-Tenant."
        )


def _later(one: datetime | None, other: datetime) -> bool:
    return one is None or one > other


def _visible(principal: Principal) -> tuple[sa.ColumnElement[bool], ...]:
    if principal.limits.agent_ids is None:
        return ()
    return (sa.or_(ApiKey.id == principal.key_id, ApiKey.made_by_key_id == principal.key_id),)


def _found(session: TenantSession, key_id: Id, principal: Principal) -> ApiKey:
    which = sa.select(ApiKey).where(ApiKey.id == known_id(key_id, _absent), *_visible(principal))
    if (key := session.scalars(which).one_or_none()) is None:
        raise _absent(key_id)
    return key


def _absent(key_id: Id) -> NotFound:
    return NotFound(f"There is no API key {key_id}.", hint="GET the list of keys to see their ids.")
