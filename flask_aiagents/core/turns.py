"""Turns: a few requests of a tenant are worked on at once in a process, its others wait in line.

Python runs one thread at a time, so each busy request slows every tenant's. A request takes a turn once its
principal is known and gives it back at its end, or when it begins to wait for a model. A tenant that has used up
its share of the processor has one turn, with pauses, for as long as other tenants are active. A waiting request
holds a thread of the server: it takes a slot meanwhile, so that threads are left for other tenants.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any
from weakref import WeakValueDictionary

from flask import Response, has_request_context, request

from ..errors import RateLimited
from .lines import Line
from .principal import Principal
from .shared_transaction import release
from .shares import Shares
from .slots import RETRY_AFTER_S, Slots

WAIT_S = 10.0
"""Seconds that a request waits for its turn at most."""

_TURN = "aiagents.turn"


class Turns:
    """The turns of one app in this process.

    :param at_once: requests of one tenant that are worked on at once; 0 is no limit.
    :param slots: what waiting requests are counted in.
    :param shares: what the requests of each tenant have computed.
    """

    def __init__(self, at_once: int, slots: Slots, shares: Shares) -> None:
        self._at_once = at_once
        self._slots = slots
        self._shares = shares
        self._lock = threading.Lock()
        # By weak references: a line lasts as long as a request works or waits in it.
        self._working: WeakValueDictionary[str | None, Line] = WeakValueDictionary()
        self._pausing: WeakValueDictionary[str | None, Line] = WeakValueDictionary()

    def begin(self, principal: Principal, cpu_s: float | None = None) -> None:
        """Take a turn for the current request; one that has a turn keeps it.

        :param cpu_s: ``time.thread_time()`` when the request began; now by default.
        :raises RateLimited: when too many requests of the tenant wait, or none ended in time.
        :raises Unavailable: when too many requests wait in this process.
        """
        if not self._at_once or _TURN in request.environ:
            return
        turn = _Turn(self._shares, principal.tenant_id, time.thread_time() if cpu_s is None else cpu_s)
        try:
            if turn.pause_s() or not turn.enter(self._line(self._working, turn.tenant_id, self._at_once), 0):
                release()  # waiting requests hold no connection
                with self._slots.take(principal, for_user=False):
                    self._wait(turn)
        except BaseException:
            turn.end()
            raise
        request.environ[_TURN] = turn

    def require_room(self, tenant_id: str | None) -> None:
        """Refuse a request of a tenant that could not even wait.

        :raises RateLimited: when too many requests of the tenant wait.
        :raises Unavailable: when too many requests wait in this process.
        """
        line = self._working.get(tenant_id)
        if self._at_once and ((line is not None and line.is_full()) or self._shares.pause_s(tenant_id)):
            self._slots.require_room(tenant_id)

    def _wait(self, turn: _Turn) -> None:
        until = time.monotonic() + WAIT_S
        if turn.pause_s():  # one at a time, so that together they keep to the share
            _require(turn.enter(self._line(self._pausing, turn.tenant_id, 1), WAIT_S))
            time.sleep(turn.pause_s())
        _require(turn.enter(self._line(self._working, turn.tenant_id, self._at_once), until - time.monotonic()))

    def _line(self, lines: WeakValueDictionary[str | None, Line], tenant_id: str | None, at_once: int) -> Line:
        with self._lock:
            if (line := lines.get(tenant_id)) is None:
                line = lines[tenant_id] = Line(at_once)
            return line


def end_turn(_error: BaseException | None = None) -> None:
    """Give back the turn of the current request, if it has one."""
    if has_request_context() and (turn := request.environ.get(_TURN)) is not None:
        turn.end()


def pace(response: Response) -> Response:
    """Keep the body of a streamed response to its tenant's share of the processor."""
    if response.is_streamed and (turn := request.environ.get(_TURN)) is not None:
        response.response = _Paced(response.response, turn)
    return response


class _Turn:
    """The places of one request in its tenant's lines."""

    def __init__(self, shares: Shares, tenant_id: str | None, cpu_s: float) -> None:
        self.tenant_id = tenant_id
        self._shares = shares
        self._cpu_s = cpu_s
        self._lines: list[Line] = []

    def enter(self, line: Line, wait_s: float) -> bool:
        """Take a place in a line; False when none came free."""
        entered = line.enter(wait_s)
        if entered:
            self._lines.append(line)
        return entered

    def end(self) -> None:
        """Leave all lines; charge what was computed since the last charge."""
        self.charge(time.thread_time() - self._cpu_s)
        self._cpu_s = time.thread_time()
        while self._lines:
            self._lines.pop().leave()

    def charge(self, cpu_s: float) -> float:
        """Charge processor seconds to the tenant; return the seconds to pause."""
        return self._shares.charge(self.tenant_id, cpu_s)

    def pause_s(self) -> float:
        """Return the seconds that the tenant has to pause."""
        return self._shares.pause_s(self.tenant_id)


class _Paced:
    """The parts of a body, with pauses; closes what it iterates."""

    def __init__(self, parts: Iterable[Any], turn: _Turn) -> None:
        self._parts = parts
        self._iterator = iter(parts)
        self._turn = turn

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        started = time.thread_time()
        part = next(self._iterator)
        time.sleep(self._turn.charge(time.thread_time() - started))
        return part

    def close(self) -> None:
        """End the iteration before its end."""
        if (close := getattr(self._parts, "close", None)) is not None:
            close()


def _require(entered: bool) -> None:
    if not entered:
        raise RateLimited(
            f"Your tenant's requests did not end within {WAIT_S:g} seconds, so this one had no turn.",
            error_code="too_many_at_once",
            hint="Send fewer requests at once.",
            retry_after=RETRY_AFTER_S,
        )
