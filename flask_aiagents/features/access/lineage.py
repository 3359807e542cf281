"""Keys that were made by keys: a key is revoked with the key that made it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from ...core.principal import Principal
from ...core.tenancy import TenantSession
from ...errors import Unauthorized
from .models import ApiKey

_BATCH = 500
"""Keys that one statement names."""


def hold(session: TenantSession, principal: Principal) -> ApiKey | None:
    """Lock the key that makes another one, until the transaction ends; None when a login does.

    Revoking it meanwhile waits, and then finds the new key. Writing the row locks it on every database, which
    SELECT FOR UPDATE does not.

    :raises Unauthorized: when the key has been revoked.
    """
    if principal.key_id is None:
        return None
    own = sa.and_(ApiKey.id == principal.key_id, ApiKey.revoked_at.is_(None))
    held = sa.update(ApiKey).where(own).values(last_used_at=ApiKey.last_used_at)
    session.execute(held.execution_options(synchronize_session=False))
    if (key := session.scalars(sa.select(ApiKey).where(own)).one_or_none()) is None:
        raise Unauthorized("This API key has been revoked.", hint="Ask an admin of your tenant for a new one.")
    return key


def revoke(session: TenantSession, key_ids: Sequence[UUID], now: datetime) -> Iterator[ApiKey]:
    """Revoke keys and all that they made, generation by generation; yields those that were still valid.

    Each generation is locked before the next is looked for, so that none of its keys makes another meanwhile.
    """
    generation = list(key_ids)
    while generation:
        for ids in _parts(generation):
            yield from _end(session, ApiKey.id.in_(ids), now)
        generation = [child for ids in _parts(generation) for child in _children(session, ids)]


def _parts(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    return (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))


def _end(session: TenantSession, which: sa.ColumnElement[bool], now: datetime) -> Sequence[ApiKey]:
    valid = sa.and_(which, ApiKey.revoked_at.is_(None))
    change = sa.update(ApiKey).where(valid).values(revoked_at=now)
    session.execute(change.execution_options(synchronize_session=False))
    again = sa.select(ApiKey).where(which, ApiKey.revoked_at == now)
    return session.scalars(again.execution_options(populate_existing=True)).all()


def _children(session: TenantSession, ids: Sequence[UUID]) -> Sequence[UUID]:
    valid = sa.and_(ApiKey.made_by_key_id.in_(ids), ApiKey.revoked_at.is_(None))
    return session.scalars(sa.select(ApiKey.id).where(valid).with_for_update()).all()
