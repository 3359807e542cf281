"""Turns: a few requests of a tenant are worked on at once in a process, its others wait in line.

Python runs one thread at a time, so each busy request slows every tenant's. A request takes a turn once its
principal is known and gives it back at its end, or when it begins to wait for a model. A waiting request holds a
thread of the server: it takes a slot meanwhile, so that threads are left for other tenants.
"""

from __future__ import annotations

import threading
from weakref import WeakValueDictionary

from flask import has_request_context, request

from ..errors import RateLimited
from .lines import Line
from .principal import Principal
from .shared_transaction import release
from .slots import RETRY_AFTER_S, Slots

WAIT_S = 10.0
"""Seconds that a request waits for its turn at most."""

_TURN = "aiagents.turn"


class Turns:
    """The turns of one app in this process.

    :param at_once: requests of one tenant that are worked on at once; 0 is no limit.
    :param slots: what waiting requests are counted in.
    """

    def __init__(self, at_once: int, slots: Slots) -> None:
        self._at_once = at_once
        self._slots = slots
        self._lock = threading.Lock()
        # By weak references: a line lasts as long as a request works or waits in it.
        self._lines: WeakValueDictionary[str | None, Line] = WeakValueDictionary()

    def begin(self, principal: Principal) -> None:
        """Take a turn for the current request; one that has a turn keeps it.

        :raises RateLimited: when too many requests of the tenant wait, or none ended in time.
        :raises Unavailable: when too many requests wait in this process.
        """
        if not self._at_once or _TURN in request.environ:
            return
        tenant = principal.tenant_id
        with self._lock:
            if (line := self._lines.get(tenant)) is None:
                line = self._lines[tenant] = Line(self._at_once)
            entered = line.enter(0)
        if not entered:
            release()
            with self._slots.take(principal, for_user=False):
                entered = line.enter(WAIT_S)
        if not entered:
            raise RateLimited(
                f"Your tenant's requests did not end within {WAIT_S:g} seconds, so this one had no turn.",
                error_code="too_many_at_once",
                hint="Send fewer requests at once.",
                retry_after=RETRY_AFTER_S,
            )
        request.environ[_TURN] = line


def end_turn(_error: BaseException | None = None) -> None:
    """Give back the turn of the current request, if it has one."""
    if has_request_context() and (line := request.environ.pop(_TURN, None)) is not None:
        line.leave()
