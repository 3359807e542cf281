"""Pace: how much is computed for one call at a time, in a thread that others share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol, TypeAlias, TypeVar

_T = TypeVar("_T")

Charge: TypeAlias = Callable[[float], float]
"""Takes the processor seconds that were used for a tenant; returns the seconds that it has to pause."""

STEP_S = 0.005
"""Processor seconds after which others that wait for the same thread get their turn."""


class Pace(Protocol):
    """Of one call, in the thread that it runs in."""

    def __enter__(self) -> None:
        """Begin a piece of work."""
        ...

    def __exit__(self, *error: object) -> None:
        """End it."""
        ...

    async def rest(self) -> None:
        """Let others have their turn, and keep to the tenant's share, when enough was done since the last rest."""
        ...

    async def compute(self, function: Callable[[], _T]) -> _T:
        """Return the result of a function that may compute for longer than a step."""
        ...

    def settle(self) -> float:
        """Charge the tenant for what was done since the last rest; return the seconds that it has to pause."""
        ...


class LoopPace:
    """A call's pace on the event loop, where every step delays all other calls."""

    def __init__(self, charge: Charge | None) -> None:
        self._charge = charge
        self._cpu_s = 0.0

    def __enter__(self) -> None:
        self._cpu_s -= time.thread_time()

    def __exit__(self, *error: object) -> None:
        self._cpu_s += time.thread_time()

    async def rest(self) -> None:
        """Yield to the loop after a step, for as long as the tenant has to pause."""
        if self._cpu_s >= STEP_S:
            await asyncio.sleep(self.settle())

    async def compute(self, function: Callable[[], _T]) -> _T:
        """Compute in another thread."""
        return await asyncio.to_thread(self._charged, function)

    def settle(self) -> float:
        cpu_s, self._cpu_s = self._cpu_s, 0.0
        return self._charge(cpu_s) if self._charge else 0.0

    def _charged(self, function: Callable[[], _T]) -> _T:
        started = time.thread_time()
        try:
            return function()
        finally:
            if self._charge:
                self._charge(time.thread_time() - started)
