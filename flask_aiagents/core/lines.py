"""A line: some work at once, the others wait in the order in which they came.

The locks of Python and of SQLite let anybody go next, so a busy tenant can overtake another for seconds.
"""

from __future__ import annotations

import threading
from collections import deque


class Line:
    """Places for a number of workers; who waits goes first come, first served."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._lock = threading.Lock()
        self._working = 0
        self._waiting: deque[threading.Event] = deque()

    def enter(self, wait_s: float) -> bool:
        """Take a place, waiting for one at most this long; False when none came free."""
        with self._lock:
            if self._working < self._at_once:
                self._working += 1
                return True
            if wait_s <= 0:
                return False
            called = threading.Event()
            self._waiting.append(called)
        if called.wait(wait_s):
            return True
        with self._lock:
            if called.is_set():
                return True
            self._waiting.remove(called)
            return False

    def leave(self) -> bool:
        """Give the place to the first in line; returns whether anybody is left in it."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._working -= 1
            return self._working > 0

    def is_full(self) -> bool:
        """Return whether a worker who came now would have to wait."""
        with self._lock:
            return self._working >= self._at_once

    def waiting(self) -> int:
        """Return how many wait for a place."""
        with self._lock:
            return len(self._waiting)
