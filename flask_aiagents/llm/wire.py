"""What is known of one request on the network.

The SDKs between us and the network know little of our limits, and we want to know little of their exceptions:
whatever happens to a request is noted on its :class:`Wire`, which travels in a context variable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from .failures import Failure
from .messages import Limits

NO_KEY = "none"
"""What SDKs are told for servers without keys; they insist on one."""


@dataclass(slots=True)
class Wire:
    """What happens to one request on the network."""

    limits: Limits
    key: str | None = field(default=None, repr=False)
    """The only credential that may go out."""
    ready: Callable[[], Awaitable[None]] | None = field(default=None, repr=False)
    """Waits until whoever reads the answer has room for more."""
    status: int | None = None
    received: int = 0
    failure: Failure | None = None
    waiting: asyncio.Timeout | None = field(default=None, repr=False)

    def connected(self) -> None:
        """The time for the first byte starts when the connection stands."""
        if self.waiting is not None and not self.waiting.expired():
            self.waiting.reschedule(asyncio.get_running_loop().time() + self.limits.first_byte_s)

    def fail(self, failure: Failure) -> None:
        """Note what went wrong; the first fault is the cause of all others."""
        self.failure = self.failure or failure


WIRE: ContextVar[Wire] = ContextVar("aiagents_wire")
"""The request that the running task makes."""
