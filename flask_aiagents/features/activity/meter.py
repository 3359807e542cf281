"""Limit what the clients of a tenant post into the log: rows and bytes in a time, and large posts at once."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from ...config import Settings
from ...core.principal import Principal
from ...core.rates import Rate, RateStorage
from ...core.slots import SlotLimits, Slots

LARGE_ROWS = 100
LARGE_BYTES = 65_536
"""From more rows or bytes than these a post is large: it keeps a processor busy for a while."""

LARGE_AT_ONCE = SlotLimits(per_user=1, per_tenant=1, per_process=4)
"""Large posts at once. One a tenant: on SQLite two in turn would keep the only write lock from everybody else; one
leaves it free while the next post is read and checked."""


class Meter:
    """Counts per tenant, since a tenant's admin can invent as many users as it likes."""

    def __init__(self, settings: Settings, storage: RateStorage) -> None:
        self._rows = Rate(
            "activity logs of your tenant", "AIAGENTS_ACTIVITY_ROWS_LIMIT", settings.activity_rows_limit, storage
        )
        self._bytes = Rate(
            "bytes of activity logs of your tenant",
            "AIAGENTS_ACTIVITY_BYTES_LIMIT",
            settings.activity_bytes_limit,
            storage,
        )
        self._large = Slots("large posts of activity logs", LARGE_AT_ONCE)

    def hit(self, principal: Principal, rows: int, size: int) -> None:
        """Count a post.

        :param size: bytes of its body; 0 when it came from the host's own code.
        :raises RateLimited: when the tenant posts too much in a time.
        :raises Unavailable: when the storage of the counts cannot be reached.
        """
        tenant = principal.tenant_id or ""
        self._rows.hit(tenant, cost=max(1, rows))
        if size:
            self._bytes.hit(tenant, cost=size)

    def large(self, principal: Principal, rows: int, size: int) -> AbstractContextManager[object]:
        """Take a slot for a large post; others need none.

        :raises RateLimited: when the tenant has too many at once.
        :raises Unavailable: when the process has.
        """
        is_large = rows > LARGE_ROWS or size > LARGE_BYTES
        return self._large.take(principal) if is_large else nullcontext()
