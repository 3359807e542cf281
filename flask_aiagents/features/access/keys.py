"""API keys, managed: made, listed, revoked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ...core.clock import utcnow, uuid7
from ...core.db import Database
from ...core.ids import known_id
from ...core.principal import Principal, Role
from ...core.rerun import rerunnable
from ...core.tenancy import TenantSession
from ...errors import Forbidden, NotFound
from ...signals import ApiKeyChanged
from ...types import Id
from ...web.filtering import Query
from ...web.pagination import Page, list_page
from ...web.query_bounds import counted
from ...web.schema import load
from .columns import COLUMNS
from .models import ApiKey
from .policy import Permission
from .schemas import ApiKeySchema
from .service import Access
from .tokens import hash_token, new_token

_RANK = {Role.USER: 0, Role.TENANT_ADMIN: 1, Role.SUPER_ADMIN: 2}


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made, with the only sight of its token."""

    key: ApiKey
    token: str = field(repr=False)


class ApiKeys:
    """The keys of a tenant. A key never carries more than its maker has."""

    def __init__(self, database: Database, access: Access) -> None:
        self._db = database
        self._access = access

    @rerunnable
    def create(self, data: dict[str, Any], *, principal: Principal | None = None) -> NewKey:
        """Make a key that acts in the maker's tenant, as the maker or as the user that ``user_id`` names.

        :raises Forbidden: when the key would be wider or live longer than the key that makes it.
        """
        principal = self._access.require(Permission.MANAGE_KEYS, principal)
        values = load(ApiKeySchema(), data)
        role = Role(values.pop("role", _widest(principal)))
        _refuse_wider(role, principal)
        key = ApiKey(
            id=uuid7(),
            tenant_id=principal.tenant_id,
            user_id=values.pop("user_id", principal.user_id),
            role=role,
            created_by=principal.user_id,
            **values,
        )
        token = new_token(key.id)
        key.token_hash = hash_token(token)
        with self._db.transaction(self._access.scope(principal)) as session:
            self._refuse_longer(session, key, principal)
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
            return _found(session, key_id)

    def list(self, query: Query | None = None, *, principal: Principal | None = None) -> Page:
        """The tenant's keys, a page at a time."""
        principal = self._access.require(Permission.MANAGE_KEYS, principal)
        with self._db.reading(self._access.scope(principal), counted_for=counted(query, principal)) as session:
            return list_page(session, COLUMNS, query)

    @rerunnable
    def revoke(self, key_id: Id, *, principal: Principal | None = None) -> None:
        """End a key for good; revoking it again changes nothing.

        :raises NotFound: when there is none in the principal's tenant.
        """
        principal = self._access.require(Permission.MANAGE_KEYS, principal)
        with self._db.transaction(self._access.scope(principal)) as session:
            key = _found(session, key_id)
            if key.revoked_at is None:
                key.revoked_at = utcnow()
                session.flush()
                self._announce(key, principal, "revoke_key")

    def _announce(self, key: ApiKey, principal: Principal, change: Any) -> None:
        self._db.announce(
            ApiKeyChanged(tenant_id=key.tenant_id, user_id=principal.user_id, key_id=key.id, change=change)
        )

    @staticmethod
    def _refuse_longer(session: Any, key: ApiKey, principal: Principal) -> None:
        maker = session.get(ApiKey, principal.key_id) if principal.key_id else None
        if maker is not None and maker.expires_at and _later(key.expires_at, maker.expires_at):
            raise Forbidden(
                "A key cannot make one that outlives it.",
                hint=f"Set expires_at to {maker.expires_at.isoformat()} or before.",
            )


def _widest(principal: Principal) -> Role:
    # inside a tenant a super admin makes that tenant's keys; one for all tenants is made outside of any
    return Role.TENANT_ADMIN if principal.acting else principal.role


def _refuse_wider(role: Role, principal: Principal) -> None:
    if _RANK[role] > _RANK[_widest(principal)]:
        raise Forbidden(f"A {principal.role} cannot make a key for a {role}.", hint="Ask for a narrower role.")


def _later(one: datetime | None, other: datetime) -> bool:
    return one is None or one > other


def _found(session: TenantSession, key_id: Id) -> ApiKey:
    if (key := session.get(ApiKey, known_id(key_id, _absent))) is None:
        raise _absent(key_id)
    return key


def _absent(key_id: Id) -> NotFound:
    return NotFound(f"There is no API key {key_id}.", hint="GET the list of keys to see their ids.")
