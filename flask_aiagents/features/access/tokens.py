"""The tokens of API keys: how they look, and whom they speak for."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ...core.clock import utcnow
from ...core.db import Database
from ...core.principal import KeyLimits, Principal, Role
from ...core.tenancy import SYSTEM, Prepared
from ...errors import Unauthorized
from ...logs import logger
from .models import ApiKey
from .policy import Permission
from .roles import HostRoles

_log = logger(__name__)

PREFIX = "aia_"
"""What every key of ours begins with, so that secret scanners know it."""

_KEYS = sa.select(
    ApiKey.id,
    ApiKey.tenant_id,
    ApiKey.user_id,
    ApiKey.role,
    ApiKey.expires_at,
    ApiKey.revoked_at,
    ApiKey.last_used_at,
    ApiKey.permissions,
    ApiKey.agent_ids,
)
_FIND = Prepared(_KEYS.where(ApiKey.token_hash == sa.bindparam("token_hash")))
_FIND_BY_ID = Prepared(_KEYS.where(ApiKey.id == sa.bindparam("key_id")))

_TOUCH_EVERY = timedelta(minutes=1)


def new_token(key_id: UUID) -> str:
    """``aia_`` + the key's id + 256 random bits."""
    return f"{PREFIX}{key_id.hex}_{secrets.token_urlsafe(32)}"


def hash_token(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def authenticate(
    database: Database, token: str, roles: HostRoles, grantable: Collection[Permission] = ()
) -> Principal:
    """Return the principal that a token speaks for.

    :param grantable: permissions that the key may have beyond its role; it loses them when its user was demoted.
    :raises Unauthorized: for a token that is unknown, revoked or expired, and for one whose user was deleted; the
        answer does not say which.
    """
    now = utcnow()
    key = _valid(database, _FIND, {"token_hash": hash_token(token)}, now)
    role = roles.lowered(Role(key.role), key.user_id, key.tenant_id)
    if role is None or (key.tenant_id is None and role is not Role.SUPER_ADMIN):
        raise _refused()
    if key.last_used_at is None or key.last_used_at <= now - _TOUCH_EVERY:
        _touch(database, key.id, now)
    withheld = {permission.slug for permission in grantable} if role != key.role else set[str]()
    limits = KeyLimits(
        permissions=None if key.permissions is None else frozenset(key.permissions) - withheld,
        agent_ids=None if key.agent_ids is None else frozenset(map(UUID, key.agent_ids)),
    )
    return Principal(key.user_id, key.tenant_id, role, key_id=key.id, limits=limits)


def confirm(database: Database, key_id: UUID, role: Role, roles: HostRoles) -> None:
    """Check again the key of work that goes on after its request.

    :param role: the role with which the work began.
    :raises Unauthorized: when the key was revoked or has expired meanwhile, or its user was deleted or demoted.
    """
    key = _valid(database, _FIND_BY_ID, {"key_id": key_id}, utcnow())
    present = roles.lowered(Role(key.role), key.user_id, key.tenant_id)
    if present is None or present.rank < role.rank:
        raise _refused()


def _valid(database: Database, find: Prepared, which: dict[str, Any], now: datetime) -> Any:
    with database.shared(SYSTEM) as session:
        key = next(iter(session.rows(find, which)), None)
    if key is None or key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise _refused()
    return key


def _refused() -> Unauthorized:
    return Unauthorized(
        "This API key is unknown, revoked or expired.", hint="Ask an admin of your tenant for a new one."
    )


def _touch(database: Database, key_id: UUID, now: datetime) -> None:
    try:
        with database.transaction(SYSTEM) as session:
            session.execute(sa.update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now))
    except (DBAPIError, PoolTimeout):  # a busy database turns no valid key away; the next minute tries again
        _log.warning("The last use of API key %s was not noted: the database is busy.", key_id)
