"""Limit how much runs at once in a process: in all, for each tenant and for each user.

Work that keeps a thread of the host's server for long takes a slot first and releases it at its end. Groups nest:
a slot of a group is also one of the group that it is within, so that log streams, exports and executions together
leave threads for everything else. A slot that nobody refers to is released by itself.

The counts are of one process. They are no row in a database, so nothing has to be cleaned up after a kill.
"""

from __future__ import annotations

import threading
import weakref
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

from ..errors import AIAgentsError, RateLimited, Unavailable
from .principal import Principal

RETRY_AFTER_S = 5
"""Seconds after which a refused client may try again, sent as ``Retry-After``, unless the group says otherwise."""

Owner = tuple[str | None, ...]
"""Whose slots are counted: ``()`` the process's, ``(tenant,)``, ``(tenant, user)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotLimits:
    """How many slots there are; 0 is no limit."""

    per_user: int = 0
    per_tenant: int = 0
    per_process: int = 0

    def part(self, divisor: int) -> SlotLimits:
        """Return an equal part of each limit, at least one slot."""
        limits = (self.per_user, self.per_tenant, self.per_process)
        user, tenant, process = (limit and max(1, limit // divisor) for limit in limits)
        return SlotLimits(per_user=user, per_tenant=tenant, per_process=process)


class Slots:
    """One group of work that is counted together.

    :param what: the group in the plural, for messages: ``"log streams"``.
    :param within: the group whose slots these use up, too.
    :param retry_after_s: seconds after which a refused client may try again.
    """

    def __init__(
        self, what: str, limits: SlotLimits, *, within: Slots | None = None, retry_after_s: int = RETRY_AFTER_S
    ) -> None:
        self.what = what
        self.limits = limits
        self.retry_after_s = retry_after_s
        self._within = within
        self._lock: threading.Lock = within._lock if within else threading.Lock()
        self._taken: Counter[Owner] = Counter()
        self._released: deque[tuple[Owner, ...]] = deque()

    def take(self, principal: Principal, *, for_user: bool = True) -> Slot:
        """Take a slot.

        :param for_user: whether it counts against the user's limit, too, or against its tenant's alone.
        :raises RateLimited: when the user or its tenant has all that it may have.
        :raises Unavailable: when the process has no slot left.
        """
        owners: tuple[Owner, ...] = ((principal.tenant_id,), ())
        if for_user:
            owners = ((principal.tenant_id, principal.user_id), *owners)
        with self._lock:
            self._require_rooms(owners)
            for group in self._groups():
                group._taken.update(owners)
        return Slot(self, owners)

    def require_room(self, tenant_id: str | None) -> None:
        """Refuse a tenant that has no slot left, as :meth:`take` does."""
        with self._lock:
            self._require_rooms(((tenant_id,), ()))

    def taken(self) -> int:
        """Return how many slots this process has given out."""
        with self._lock:
            self._count_released()
            return self._taken[()]

    def release(self, owners: tuple[Owner, ...]) -> None:
        """Take slots back; :class:`Slot` calls it once."""
        # Without the lock: a garbage collection may call this in the middle of take().
        for group in self._groups():
            group._released.append(owners)

    def _groups(self) -> Iterator[Slots]:
        group: Slots | None = self
        while group is not None:
            yield group
            group = group._within

    def _require_rooms(self, owners: tuple[Owner, ...]) -> None:
        for group in self._groups():
            group._require_room(owners)

    def _require_room(self, owners: tuple[Owner, ...]) -> None:
        self._count_released()
        limits = (self.limits.per_process, self.limits.per_tenant, self.limits.per_user)
        for owner in owners:
            limit = limits[len(owner)]
            if limit and self._taken[owner] >= limit:
                raise self._refusal(owner, limit)

    def _count_released(self) -> None:
        while self._released:
            self._taken.subtract(owners := self._released.popleft())
            for owner in owners:
                if self._taken[owner] <= 0:
                    del self._taken[owner]

    def _refusal(self, owner: Owner, limit: int) -> AIAgentsError:
        if not owner:
            return Unavailable(
                f"The server runs {limit} {self.what} at once, as many as it may.",
                hint=f"Try again in {self.retry_after_s} s.",
                retry_after=self.retry_after_s,
            )
        whose = "You have" if len(owner) == 2 else "Your tenant has"
        return RateLimited(
            f"{whose} {limit} {self.what} at once, which is the limit.",
            error_code="too_many_at_once",
            hint="Wait until one of them ends, then try again.",
            retry_after=self.retry_after_s,
        )


class Slot:
    """One slot, until it is released or nobody refers to it any longer."""

    def __init__(self, slots: Slots, owners: tuple[Owner, ...]) -> None:
        self._finalizer = weakref.finalize(self, slots.release, owners)
        self._finalizer.atexit = False

    def release(self) -> None:
        """Give the slot back. A second call does nothing."""
        self._finalizer()

    def __enter__(self) -> Slot:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.release()
