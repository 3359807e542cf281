"""Networks: what the requests of a call run on, on the event loop or in the thread that made the call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ..net.limits import Limits
from .adapters.refusals import KnownRefusals
from .messages import Call
from .pace import LoopPace, Pace
from .protocol import HTTPCall

if TYPE_CHECKING:
    from ..net.client import Client

Ready: TypeAlias = Callable[[], Awaitable[None]]
"""Waits until the reader of an answer has room for more."""


class Answer(Protocol):
    """The answer to a request: its head, and an iterator over the parts of its body."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class Network(Protocol):
    """Sends requests. :class:`LoopNetwork` serves all calls, :class:`.first_attempt.ThreadNetwork` one."""

    @property
    def refusals(self) -> KnownRefusals:
        """Parameters that models are known to refuse."""
        ...

    def post(
        self, request: HTTPCall, call: Call, *, limits: Limits, allowed_hosts: tuple[str, ...], ready: Ready | None
    ) -> AbstractAsyncContextManager[Answer]:
        """Return a request that is sent when its context is entered.

        :raises Unsendable: when URL or headers hold what HTTP cannot carry.
        """
        ...

    def pace(self, call: Call) -> Pace:
        """Return how to compute for a call."""
        ...


class LoopNetwork:
    """The network of an event loop."""

    def __init__(self, refusals: KnownRefusals) -> None:
        self.refusals = refusals
        self._client: Client | None = None

    def post(
        self, request: HTTPCall, call: Call, *, limits: Limits, allowed_hosts: tuple[str, ...], ready: Ready | None
    ) -> AbstractAsyncContextManager[Answer]:
        """Return a request over connections that all calls on the loop share."""
        if self._client is None:
            from ..net.client import Client  # aiohttp is slow to import

            self._client = Client()
        return self._client.post(
            request.url,
            request.headers,
            request.body,
            limits=limits,
            allowed_hosts=allowed_hosts,
            tenant=call.tenant,
            ready=ready,
        )

    def pace(self, call: Call) -> Pace:
        return LoopPace(call.pace)

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()


async def on_loop() -> None:
    """Go on on the event loop: stands before every step that has to wait there.

    A call that began in the thread of a request leaves it here; one that is on the loop lets others go first.
    """
    await asyncio.sleep(0)
