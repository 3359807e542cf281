"""Who is acting. Made by one callback of the host; everything else follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache, partial
from uuid import UUID
from zoneinfo import ZoneInfo

from ..errors import Forbidden, Invalid
from ..logs import logger
from .ids import TENANT_LENGTH, USER_LENGTH, HostId, InvalidId, host_id

_log = logger(__name__)

SHARED = "*"
"""The tenant that a super admin names to act on what all tenants share."""


class Role(StrEnum):
    """What a principal is to the system; the policy says what that allows."""

    SUPER_ADMIN = "super_admin"
    TENANT_ADMIN = "tenant_admin"
    USER = "user"

    @property
    def rank(self) -> int:
        """The breadth of the role: a higher rank includes the lower ones."""
        return ("user", "tenant_admin", "super_admin").index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimits:
    """Limits of an API key within its role; None is no limit."""

    permissions: frozenset[str] | None = None
    """Slugs of the permissions that it has."""
    agent_ids: frozenset[UUID] | None = None
    """The agents that it sees and acts on; all others are as if absent."""


NO_LIMITS = KeyLimits()
"""The limits of a login, and of a key that has all of its role."""


@dataclass(frozen=True, slots=True, init=False)
class Principal:
    """A user of the host, or one of its API keys, with its tenant and role.

    :raises ValueError: without a user, without a tenant for any role but super admin, and for ids that cannot be
        used, see :func:`.ids.host_id`.
    """

    user_id: str
    tenant_id: str | None
    role: Role
    key_id: UUID | None = None
    """The API key that speaks for the user, when it is one."""
    acting: bool = False
    """True when a super admin acts for the tenant named here."""
    time_zone: str | None = None
    """Whose days, weeks and months figures are by default, such as ``Europe/Berlin``; UTC without one."""
    limits: KeyLimits = NO_LIMITS
    """What the API key may do at most."""

    def __init__(
        self,
        user_id: HostId,
        tenant_id: HostId | None,
        role: Role | str,
        key_id: UUID | None = None,
        acting: bool = False,
        time_zone: str | None = None,
        limits: KeyLimits = NO_LIMITS,
    ) -> None:
        set_ = partial(object.__setattr__, self)
        set_("user_id", host_id(user_id, "user_id", USER_LENGTH))
        set_("tenant_id", None if tenant_id is None else host_id(tenant_id, "tenant_id", TENANT_LENGTH))
        set_("role", Role(role))
        set_("key_id", key_id)
        set_("acting", acting)
        set_("time_zone", _known_zone(time_zone))
        set_("limits", limits)
        if not self.user_id:
            raise ValueError("A principal needs a user_id.")
        if not self.tenant_id and self.role is not Role.SUPER_ADMIN:
            raise ValueError(f"A {self.role} needs a tenant_id; only a super admin may have none.")

    @property
    def is_super_admin(self) -> bool:
        return self.role is Role.SUPER_ADMIN

    def acting_for(self, tenant_id: HostId) -> Principal:
        """The same super admin inside one tenant, or for :data:`SHARED` on what all share.

        :raises Forbidden: for any other role.
        :raises Invalid: for an empty tenant, and for one that cannot be used, see :func:`.ids.host_id`.
        """
        if not self.is_super_admin:
            raise Forbidden("Only a super admin may act for another tenant.", hint="Leave X-AIAgents-Tenant out.")
        try:
            tenant = host_id(tenant_id, "X-AIAgents-Tenant", TENANT_LENGTH)
        except InvalidId as error:
            raise Invalid(error.message, hint=error.hint) from error
        if not tenant:
            raise Invalid("X-AIAgents-Tenant is empty.", hint="Name a tenant, or '*' for what all tenants share.")
        shared = tenant == SHARED
        return replace(self, tenant_id=None if shared else tenant, acting=not shared)


@lru_cache(maxsize=1024)
def _known_zone(name: str | None) -> str | None:
    """The name itself; None for what is no time zone, since nobody should be kept out for that."""
    try:
        return str(ZoneInfo(name)) if name else None
    except (ValueError, OSError, KeyError, TypeError):
        _log.warning("%r is no time zone of a user; UTC is taken.", name)
        return None


_acting: ContextVar[Principal | None] = ContextVar("aiagents_acting", default=None)


@contextmanager
def acting_as(principal: Principal) -> Iterator[Principal]:
    """Act as this principal inside: for commands, jobs and tools, where no request says who it is."""
    token = _acting.set(principal)
    try:
        yield principal
    finally:
        _acting.reset(token)


def acting_principal() -> Principal | None:
    """The principal that :func:`acting_as` named, if any."""
    return _acting.get()
