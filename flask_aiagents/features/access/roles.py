"""Present roles of users, from the host: keys of deleted users are refused, those of demoted ones are lowered."""

from __future__ import annotations

import inspect
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from ...core import shared_transaction
from ...core.principal import Role
from ...errors import ConfigurationError

CurrentRole = Callable[[str, str | None], Role | str | None]
"""The host's callback: the role of a user in a tenant, None for a user that is not there."""

CACHED = 4_096
"""Users whose roles are kept in a process; the one asked for the longest time ago leaves first."""


class HostRoles:
    """Asks the host's callback and keeps each answer for some seconds.

    :param cached_s: how long; 0 asks for each request.
    :raises ConfigurationError: for an async callback.
    """

    def __init__(self, callback: CurrentRole | None = None, cached_s: float = 5.0) -> None:
        if inspect.iscoroutinefunction(callback):
            raise ConfigurationError(
                "current_role is an async function.", hint="Pass a function that returns the role."
            )
        self._callback, self._cached_s = callback, cached_s
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str | None], tuple[float, Role | None]] = OrderedDict()

    def lowered(self, role: Role, user_id: str, tenant_id: str | None) -> Role | None:
        """Return the narrower of a key's role and its user's present one; None when the user is not there."""
        if self._callback is None:
            return role
        present = self._present(self._callback, user_id, tenant_id)
        return present if present is None or present.rank < role.rank else role

    def _present(self, callback: CurrentRole, user_id: str, tenant_id: str | None) -> Role | None:
        who, now = (user_id, tenant_id), time.monotonic()
        with self._lock:
            kept = self._kept.get(who)
        if kept is not None and now - kept[0] < self._cached_s:
            return kept[1]
        shared_transaction.release()  # the host may need a connection to answer
        answer = callback(user_id, tenant_id)
        role = None if answer is None else Role(answer)
        with self._lock:
            self._kept[who] = (now, role)
            self._kept.move_to_end(who)
            if len(self._kept) > CACHED:
                self._kept.popitem(last=False)
        return role
