"""Limit how many executions one tenant runs at once in all processes, by counting its running rows.

The rows are the counter: an execution whose process was killed stops counting when its lease ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from ...core.claims import alone
from ...core.clock import utcnow
from ...core.db import Database
from ...core.slots import RETRY_AFTER_S
from ...core.tenancy import TenantSession
from ...errors import RateLimited
from .models import ActivityLog, LogStatus

# Written out in the SQL: SQLite uses a partial index only where it reads the condition.
_RUNNING = sa.literal(LogStatus.RUNNING.value, literal_execute=True)


@contextmanager
def one_more(database: Database, tenant_id: str | None, limit: int) -> Iterator[TenantSession]:
    """Open a transaction in which a tenant may begin one more execution; its others wait for it.

    :raises RateLimited: when it runs as many as the limit.
    """
    with alone(database, _lock_name(tenant_id)) as session:
        running = session.scalar(
            sa.select(sa.func.count())
            .select_from(ActivityLog)
            .where(
                ActivityLog.status == _RUNNING,
                ActivityLog.lease_until > utcnow(),
                ActivityLog.tenant_id == tenant_id,
            )
        )
        if running is not None and running >= limit:
            raise RateLimited(
                f"Your tenant runs {limit} executions at once, which is the limit.",
                error_code="too_many_at_once",
                hint="Wait until one of them ends, then try again.",
                retry_after=RETRY_AFTER_S,
            )
        yield session


def _lock_name(tenant_id: str | None) -> str:
    # A tenant's id may be longer than the name of a claim.
    return "running:" + hashlib.sha256((tenant_id or "").encode()).hexdigest()[:48]
