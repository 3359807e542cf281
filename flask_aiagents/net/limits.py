"""Limits of one request, and the clock that tells which of them ends the next wait."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .errors import Limit, TimedOut

MAX_CONNECTIONS = 256
"""Connections of one tenant to one origin at once, on the loop and in threads each; further requests wait for one
within their connect limit."""

KEEP_ALIVE_S = 15.0
"""Seconds that an idle connection is kept; shorter than what providers and their gateways keep."""

MAX_PART_BYTES = 65_536
"""A body is handed out in parts of at most this size, so that no step of its reader takes long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one request; times in seconds, None means that only the other limits count."""

    connect_s: float | None = 5.0
    """For a free connection, the name, the connection and TLS together."""
    first_byte_s: float | None = None
    """From the connection to the first byte of the body."""
    idle_s: float | None = None
    """Between two parts of the body, while the reader waits for the next one."""
    total_s: float | None = None
    """For the whole request."""
    max_response_bytes: int = 8_388_608


class Clock:
    """The time limits of one request that began ``now``; times are those of ``time.monotonic()``."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._seconds: dict[Limit, float | None] = {
            "connect": limits.connect_s,
            "first_byte": limits.first_byte_s,
            "idle": limits.idle_s,
            "total": limits.total_s,
        }
        self._end = None if limits.total_s is None else now + limits.total_s
        self.limit: Limit
        self.deadline: float | None
        self.begin("connect", now)

    def begin(self, limit: Limit, now: float) -> None:
        """Start a limit; it takes the place of the one before."""
        seconds = self._seconds[limit]
        self.limit, self.deadline = limit, None if seconds is None else now + seconds
        if self._end is not None and (self.deadline is None or self._end < self.deadline):
            self.limit, self.deadline = "total", self._end

    def left(self) -> float | None:
        """Return the seconds until the deadline, for a blocking call.

        :raises TimeoutError: when there are none.
        """
        if self.deadline is None:
            return None
        if (left := self.deadline - time.monotonic()) <= 0:
            raise TimeoutError
        return left

    def timed_out(self) -> TimedOut:
        """Return the error of the limit that runs."""
        return TimedOut(self.limit, self._seconds[self.limit] or 0)
