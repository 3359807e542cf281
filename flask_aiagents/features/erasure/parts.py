"""What is kept of a tenant or a person, table by table, and how it leaves: in small transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ...core.clock import utcnow
from ...core.db import Database
from ...core.tenancy import SYSTEM, TenantSession
from ..access import lineage
from ..access.models import ApiKey
from ..activity.models import ActivityLog, LogRetention
from ..activity.removal import remove_logs
from ..agents.models import Agent, AgentConfiguration
from ..analytics import rollups
from ..analytics.forgotten import FORGOTTEN, naming_users, rename_users
from ..analytics.models import Usage
from ..credentials.models import Credential

_UNSYNCHRONIZED = {"synchronize_session": False}

BATCH = 500
"""Rows that one transaction changes."""

Tell = Callable[[int], None]
"""Is told how many rows so far."""


@dataclass(frozen=True, slots=True)
class Whom:
    """A tenant; or a person: a user of a tenant or, without one, of the operator."""

    tenant_id: str | None
    user_id: str | None = None
    """None: the whole tenant."""

    def __str__(self) -> str:
        tenant = "no tenant" if self.tenant_id is None else f"tenant {self.tenant_id}"
        return tenant if self.user_id is None else f"user {self.user_id} of {tenant}"

    def owns(self, model: Any) -> sa.ColumnElement[bool]:
        """Which rows are theirs: the tenant's, or those that carry the person's id."""
        own = model.tenant_id == self.tenant_id
        return own if self.user_id is None else sa.and_(own, model.user_id == self.user_id)

    def made(self, model: Any) -> sa.ColumnElement[bool]:
        """Which rows the person made."""
        return sa.and_(model.tenant_id == self.tenant_id, model.created_by == self.user_id)


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of one table."""

    name: str
    model: Any
    where: sa.ColumnElement[bool]
    work: Callable[[Database, Part, Tell], int]
    """Lets them leave; returns how many rows that were."""

    def count(self, session: TenantSession) -> int:
        """How many there are."""
        return session.scalar(sa.select(sa.func.count()).select_from(self.model).where(self.where)) or 0

    def is_there(self, session: TenantSession) -> bool:
        """Whether there is any."""
        return session.scalar(sa.select(sa.literal(1)).select_from(self.model).where(self.where).limit(1)) == 1


def parts_of(whom: Whom) -> Iterator[Part]:
    """All that is kept of them, in the order in which it leaves: first what lets them write more, and logs before
    the sums that could be made anew from them."""
    yield Part("API keys", ApiKey, whom.owns(ApiKey), _delete_keys)
    yield Part("logs", ActivityLog, whom.owns(ActivityLog), _remove_logs)
    yield Part("sums by user", Usage, sa.and_(whom.owns(Usage), naming_users()), _rename_users)
    if whom.user_id is None:
        yield Part("credentials", Credential, whom.owns(Credential), _delete)
        yield Part("configurations", AgentConfiguration, whom.owns(AgentConfiguration), _delete)
        yield Part("agents", Agent, whom.owns(Agent), _delete)
        yield Part("retention rules", LogRetention, whom.owns(LogRetention), _delete)
    else:
        yield Part("agents they made", Agent, whom.made(Agent), _rename_maker)
        yield Part("credentials they made", Credential, whom.made(Credential), _rename_maker)
        yield Part("API keys they made for others", ApiKey, whom.made(ApiKey), _rename_maker)


def _delete(database: Database, part: Part, tell: Tell) -> int:
    return _batches(database, part, tell, lambda ids: sa.delete(part.model).where(part.model.id.in_(ids)))


def _delete_keys(database: Database, part: Part, tell: Tell) -> int:
    """Delete keys, and revoke what they made for others."""
    some = sa.select(ApiKey.id).where(part.where).limit(BATCH)
    done = 0
    while True:
        with database.transaction(SYSTEM) as session:
            if not (ids := session.scalars(some).all()):
                return done
            for _ in lineage.revoke(session, ids, utcnow()):
                pass
            session.execute(sa.delete(ApiKey).where(ApiKey.id.in_(ids)), execution_options=_UNSYNCHRONIZED)
        done += len(ids)
        tell(done)


def _rename_maker(database: Database, part: Part, tell: Tell) -> int:
    """Nobody changed what these rows say, so neither their version nor ``updated_at`` changes."""
    model = part.model
    values = {"created_by": FORGOTTEN}
    if "updated_at" in model.__table__.c:
        values["updated_at"] = model.updated_at
    return _batches(database, part, tell, lambda ids: sa.update(model).where(model.id.in_(ids)).values(values))


def _remove_logs(database: Database, part: Part, tell: Tell) -> int:
    done = 0

    def told(removed: int, _: object) -> None:
        nonlocal done
        done += removed
        tell(done)

    rollups.roll_up(database, size=rollups.LARGE_BATCH)
    return remove_logs(database, part.where, tell=told)


def _rename_users(database: Database, part: Part, tell: Tell) -> int:
    return rename_users(database, part.where, tell=tell)


def _batches(database: Database, part: Part, tell: Tell, change: Callable[[Any], Any]) -> int:
    some = sa.select(part.model.id).where(part.where).limit(BATCH)
    done = 0
    while True:
        with database.transaction(SYSTEM) as session:
            if not (ids := session.scalars(some).all()):
                return done
            session.execute(change(ids).execution_options(synchronize_session=False))
        done += len(ids)
        tell(done)
