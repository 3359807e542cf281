"""Shares of the processor: a tenant that computes more than its share waits while other tenants are active.

Python runs one thread at a time, so whatever one request computes delays every tenant's. Each tenant has an
account of processor seconds, which its requests use up and which refills at an equal share of one processor.
A tenant that is alone is never limited.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

BURST_S = 1.0
"""Processor seconds that a tenant may use at once before its share counts."""

ACTIVE_S = 2.0
"""Seconds after its last request for which a tenant counts as active."""

MAX_PAUSE_S = 5.0
"""The longest pause, in seconds; what a tenant has used beyond it is forgiven."""

_ACCOUNTS = 10_000
"""Accounts that are kept; the tenant that was active longest ago is forgotten first."""


@dataclass(slots=True)
class _Account:
    seen_at: float = field(default_factory=time.monotonic)
    left_s: float = BURST_S


class Shares:
    """The accounts of all tenants of one process. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accounts: OrderedDict[str | None, _Account] = OrderedDict()
        """The tenant that was active last comes last."""

    def charge(self, tenant_id: str | None, cpu_s: float) -> float:
        """Use up processor seconds; return the seconds to pause before the tenant's next work, often 0."""
        with self._lock:
            account, active = self._active(tenant_id)
            if active == 1:  # nobody else is delayed
                account.left_s = BURST_S
                return 0.0
            account.left_s -= cpu_s
            pause = min(MAX_PAUSE_S, max(0.0, -account.left_s * (active + 1)))
            account.left_s = max(account.left_s, -MAX_PAUSE_S / (active + 1))
            return pause

    def pause_s(self, tenant_id: str | None) -> float:
        """Return the seconds to pause before the tenant's next work."""
        return self.charge(tenant_id, 0.0)

    def _active(self, tenant_id: str | None) -> tuple[_Account, int]:
        """Refill and return the account, with the number of tenants that are active; one share stays unused."""
        now = time.monotonic()
        account = self._accounts.setdefault(tenant_id, _Account(now))
        self._accounts.move_to_end(tenant_id)
        elapsed, account.seen_at = now - account.seen_at, now
        active = sum(1 for _ in self._recent(now))
        account.left_s = min(BURST_S, account.left_s + elapsed / (active + 1))
        if len(self._accounts) > _ACCOUNTS:
            self._accounts.popitem(last=False)
        return account, active

    def _recent(self, now: float) -> Iterator[_Account]:
        for account in reversed(self._accounts.values()):
            if now - account.seen_at > ACTIVE_S:
                return
            yield account
