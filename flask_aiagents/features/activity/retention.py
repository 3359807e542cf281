"""Old logs leave, as long as the host and its operators say after how many days; the rollups stay."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.claims import alone
from ...core.clock import utcnow, uuid7_from
from ...core.db import Database
from ...core.ids import TENANT_LENGTH
from ...core.principal import Principal
from ...core.tenancy import SYSTEM
from ...errors import Invalid, NotFound
from ...signals import RetentionChanged
from ..access.policy import Permission
from ..access.service import Access
from .models import ActivityLog, LogRetention
from .partitions import drop_before, extend
from .removal import FIRST_ID, ROLLUPS, remove_logs
from .rules import ALL, FOR_GOOD, Days, Expiry, expiries, longest
from .schemas import ACTION

TICK_S = 5
"""Seconds that one tick deletes; what is left waits for the next."""

EVERY = timedelta(minutes=10)
"""How often a process that found nothing left to delete looks again."""

MAX_DAYS = 36_500

Tell = Callable[[str], None]


class Retention:
    """How long logs are kept, by tenant and action. Only operators may say so; deleting is maintenance's work."""

    def __init__(self, database: Database, access: Access, setting: Days) -> None:
        self._db = database
        self._access = access
        self._setting = setting
        self._next: datetime | None = None
        self._reached: dict[tuple[object, ...], UUID] = {}

    def list(self, *, principal: Principal | None = None) -> Sequence[LogRetention]:
        """The rules of tenants; for all others ``AIAGENTS_LOG_RETENTION_DAYS`` holds."""
        self._access.require(Permission.MANAGE_RETENTION, principal)
        return self._rules()

    def set(
        self, tenant_id: str, days: int, *, action: str = ALL, principal: Principal | None = None
    ) -> LogRetention:
        """Keep one tenant's logs so many days: those of one action, or all that have no rule of their own.

        :param days: 0 keeps them for good.
        :raises Invalid: for days, a tenant or an action that cannot be.
        """
        principal = self._access.require(Permission.MANAGE_RETENTION, principal)
        _check(tenant_id, days, action)
        with alone(self._db, ROLLUPS) as session:  # whoever deletes by the old rules just now ends that first
            rule: LogRetention = session.scalar(_rule(tenant_id, action)) or LogRetention(
                tenant_id=tenant_id, action=action
            )
            rule.days = days
            session.add(rule)
            session.flush()
            self._announce(principal, tenant_id, action, days)
        return rule

    def unset(self, tenant_id: str, *, action: str = ALL, principal: Principal | None = None) -> None:
        """Take a tenant's rule away.

        :raises NotFound: when there is none.
        """
        principal = self._access.require(Permission.MANAGE_RETENTION, principal)
        with alone(self._db, ROLLUPS) as session:
            if (rule := session.scalar(_rule(tenant_id, action))) is None:
                raise NotFound(
                    f"Tenant {tenant_id} has no rule for {action}.",
                    hint="'flask aiagents retention list' shows all.",
                )
            session.delete(rule)
            self._announce(principal, tenant_id, action, None)

    def apply(self, now: datetime | None = None, *, seconds: float | None = None, tell: Tell | None = None) -> int:
        """Delete what has been kept long enough; returns how many logs and whole months left.

        Rules that are changed meanwhile hold at once: what is left is deleted by them.

        :param seconds: when to stop; the next call goes on. None goes on until nothing is left.
        """
        now, until = now or utcnow(), time.monotonic() + (math.inf if seconds is None else seconds)
        done, outdated = 0, True
        while outdated and not (done and time.monotonic() >= until):
            left, outdated = self._apply(now, until, tell)
            done += left
        return done

    def tick(self) -> int:
        """What maintenance does: months ahead, and a part of what may leave."""
        now = utcnow()
        if self._next is not None and now < self._next:
            return 0
        done = extend(self._db) + self.apply(now, seconds=TICK_S)
        self._next = None if done else now + EVERY
        return done

    def _apply(self, now: datetime, until: float, tell: Tell | None) -> tuple[int, bool]:
        """By the rules as they are; whether it stopped because others hold since."""
        found, done, outdated = self._expiries(), 0, False

        def still() -> bool:
            nonlocal outdated
            outdated = outdated or self._expiries() != found
            return not outdated

        if (days := longest(found)) != FOR_GOOD:
            before = now - timedelta(days=days)
            done += drop_before(self._db, before, still=still, tell=lambda end: _say_dropped(tell, end))
        for expiry in found:
            if outdated or (done and time.monotonic() >= until):
                break
            if expiry.days != FOR_GOOD:
                done += self._delete(expiry, now, until, still, tell)
        return done, outdated

    def _expiries(self) -> list[Expiry]:
        return expiries(self._setting, self._rules())

    def _delete(
        self, expiry: Expiry, now: datetime, until: float, still: Callable[[], bool], tell: Tell | None
    ) -> int:
        """From where the last call ended: what stays, among older logs, is not looked at again before tomorrow."""
        place = (expiry, now.date())
        total = 0

        def batch(removed: int, reached: UUID) -> bool:
            nonlocal total
            total += removed
            self._reached[place] = reached
            if tell is not None:
                tell(
                    f"{total:,} logs of {expiry.tenant_id or 'other tenants'}, {expiry.action or 'other actions'}"
                )
            return time.monotonic() >= until

        self._reached = {known: id for known, id in self._reached.items() if known[1] == now.date()}
        before = now - timedelta(days=expiry.days)
        return remove_logs(
            self._db,
            *expiry.conditions(),
            ActivityLog.id < uuid7_from(before),
            after=self._reached.get(place, FIRST_ID),
            still=still,
            tell=batch,
        )

    def _rules(self) -> Sequence[LogRetention]:
        with self._db.transaction(SYSTEM) as session:
            return session.scalars(
                sa.select(LogRetention).order_by(LogRetention.tenant_id, LogRetention.action)
            ).all()

    def _announce(self, principal: Principal, tenant_id: str, action: str, days: int | None) -> None:
        self._db.announce(
            RetentionChanged(tenant_id=tenant_id, user_id=principal.user_id, logs_of=action, days=days)
        )


def _rule(tenant_id: str, action: str) -> sa.Select[Any]:
    return sa.select(LogRetention).where(LogRetention.tenant_id == tenant_id, LogRetention.action == action)


def _check(tenant_id: str, days: int, action: str) -> None:
    wrong = {}
    if not 0 < len(tenant_id) <= TENANT_LENGTH:
        wrong["tenant_id"] = [f"Name a tenant in 1 to {TENANT_LENGTH} characters."]
    if not 0 <= days <= MAX_DAYS:
        wrong["days"] = [f"Keep logs for 1 to {MAX_DAYS:,} days, or 0 for good."]
    if action != ALL and ACTION.fullmatch(action) is None:
        wrong["action"] = ["Name an action such as execute, or * for all."]
    if wrong:
        raise Invalid("This is no rule.", details=wrong)


def _say_dropped(tell: Tell | None, end: datetime) -> None:
    if tell is not None:
        tell(f"all logs of before {end:%Y-%m-%d}")
