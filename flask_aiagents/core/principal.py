"""Who is acting. Made by one callback of the host; everything else follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from ..errors import Forbidden, Invalid
from ..logs import logger

_log = logger(__name__)

SHARED = "*"
"""The tenant that a super admin names to act on what all tenants share."""


TENANT_LENGTH = 128
"""Longest tenant id, in characters; user ids may have 255."""


class Role(StrEnum):
    """What a principal is to the system; the policy says what that allows."""

    SUPER_ADMIN = "super_admin"
    TENANT_ADMIN = "tenant_admin"
    USER = "user"


class BlankAround(Forbidden, ValueError):
    """An id with blanks around it: whoever comes with it, by a login or by an API key, is told by a 403."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A user of the host, or one of its API keys, with its tenant and role.

    :raises ValueError: without a user, or without a tenant for any role but super admin.
    :raises BlankAround: for ids with blanks around them, which no two databases compare alike: to MariaDB
        ``'acme '`` is ``'acme'``.
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "role", Role(self.role))
        object.__setattr__(self, "time_zone", _known_zone(self.time_zone))
        if not self.user_id:
            raise ValueError("A principal needs a user_id.")
        if not self.tenant_id and self.role is not Role.SUPER_ADMIN:
            raise ValueError(f"A {self.role} needs a tenant_id; only a super admin may have none.")
        for name, value in (("user_id", self.user_id), ("tenant_id", self.tenant_id or "")):
            if value != value.strip():
                raise BlankAround(
                    f"The {name} {value!r} begins or ends with a blank.", hint="Give the host's ids without."
                )

    @property
    def is_super_admin(self) -> bool:
        return self.role is Role.SUPER_ADMIN

    def acting_for(self, tenant_id: str) -> Principal:
        """The same super admin inside one tenant, or for :data:`SHARED` on what all share.

        :raises Forbidden: for any other role.
        :raises Invalid: for an empty or overlong tenant, and for one with blanks around it.
        """
        if not self.is_super_admin:
            raise Forbidden("Only a super admin may act for another tenant.", hint="Leave X-AIAgents-Tenant out.")
        if not tenant_id or len(tenant_id) > TENANT_LENGTH or tenant_id != tenant_id.strip():
            raise Invalid(
                f"X-AIAgents-Tenant must name a tenant in 1 to {TENANT_LENGTH} characters without blanks around "
                "them, or '*' for shared."
            )
        shared = tenant_id == SHARED
        return replace(self, tenant_id=None if shared else tenant_id, acting=not shared)


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
