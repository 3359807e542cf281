"""Slots: how many of something may happen at once, per user, per tenant and per process.

Counts live in this process. Whoever takes a slot releases it; an object that outlives the request, such as a
streamed answer, releases it when it is closed or collected: ``weakref.finalize(answer, slot.release)``.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from types import TracebackType

from ..errors import RateLimited, Unavailable
from .principal import Principal

RETRY_AFTER_S = 2
"""Seconds after which a refused client is asked to try again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotLimits:
    """The most at once for each kind of owner; 0 is no limit."""

    per_user: int = 0
    per_tenant: int = 0
    per_process: int = 0


class Slot:
    """One use that counts until it is released; usable in a ``with`` statement."""

    def __init__(self, slots: Slots, owners: tuple[object, ...]) -> None:
        self._slots = slots
        self._owners = owners

    def release(self) -> None:
        """Give the slot back; a second call does nothing."""
        self._slots.release(self)

    def __enter__(self) -> Slot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Slots:
    """Counts uses of one kind and refuses those beyond the limits.

    :param what: the kind in the plural, for messages: ``expensive queries``.
    """

    def __init__(self, what: str, limits: SlotLimits) -> None:
        self._what = what
        self._limits = limits
        self._lock = threading.RLock()  # a collected answer may release its slot while this thread takes one
        self._counts: Counter[object] = Counter()
        self._taken: set[Slot] = set()

    def take(self, principal: Principal) -> Slot:
        """Count one more use for the principal, its tenant and this process.

        :raises RateLimited: when the principal or its tenant has as many as it may have.
        :raises Unavailable: when the process has.
        """
        user, tenant = ("user", principal.tenant_id, principal.user_id), ("tenant", principal.tenant_id)
        with self._lock:
            if self._is_full(user, self._limits.per_user):
                raise self._refusal("for you", self._limits.per_user)
            if self._is_full(tenant, self._limits.per_tenant):
                raise self._refusal("for your tenant", self._limits.per_tenant)
            if self._is_full("process", self._limits.per_process):
                raise Unavailable(
                    f"This server runs as many {self._what} as it may.",
                    hint="Try again in a moment.",
                    retry_after=RETRY_AFTER_S,
                )
            slot = Slot(self, (user, tenant, "process"))
            self._counts.update(slot._owners)
            self._taken.add(slot)
            return slot

    def release(self, slot: Slot) -> None:
        """Stop counting a slot."""
        with self._lock:
            if slot in self._taken:
                self._taken.remove(slot)
                self._counts.subtract(slot._owners)
                for owner in slot._owners:
                    if not self._counts[owner]:
                        del self._counts[owner]

    def _is_full(self, owner: object, limit: int) -> bool:
        return bool(limit) and self._counts[owner] >= limit

    def _refusal(self, whose: str, limit: int) -> RateLimited:
        return RateLimited(
            f"{limit} {self._what} are already running {whose}.",
            error_code="too_many_at_once",
            hint="Wait until one has ended, then send this request again.",
            retry_after=RETRY_AFTER_S,
        )
