"""Refuse a flood of one tenant's requests before the database is asked who sends them.

To authenticate a request costs several times what a refusal costs. The tenants of API keys that were valid a short
while ago are remembered, to refuse requests by; a request that is not refused is authenticated as always.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from .turns import Turns

REMEMBERED_S = 30.0
"""Seconds for which the tenant of a key is remembered."""

_KEYS = 10_000
"""Keys that are remembered; the one that was used longest ago is forgotten first."""


class Floods:
    """Tenants of the API keys that this process has seen lately. Safe for threads.

    :param turns: what knows whether a tenant has room for one more request.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._lock = threading.Lock()
        self._tenants: OrderedDict[int, tuple[str | None, float]] = OrderedDict()
        """By the hash of a key, which is salted in each process."""

    def refuse(self, key: str) -> None:
        """Refuse a request whose tenant has no room.

        :raises RateLimited: when so many requests of the tenant wait that this one could not even wait.
        :raises Unavailable: when the same is true of the process.
        """
        with self._lock:
            tenant_id, until = self._tenants.get(hash(key), (None, 0.0))
        if time.monotonic() < until:
            self._turns.require_room(tenant_id)

    def remember(self, key: str, tenant_id: str | None) -> None:
        """Note the tenant of a valid key."""
        with self._lock:
            self._tenants[hash(key)] = (tenant_id, time.monotonic() + REMEMBERED_S)
            self._tenants.move_to_end(hash(key))
            if len(self._tenants) > _KEYS:
                self._tenants.popitem(last=False)
