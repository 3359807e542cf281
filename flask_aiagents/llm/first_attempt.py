"""The first attempt of a call, in the thread of its request.

A hop to the event loop and back costs more than the call itself, so a call that nobody listens to begins where it
was made. :func:`begin` runs the coroutine that the loop would run, over a client that blocks: until its first
attempt is over there is nothing else to wait for. Most calls end there. Any other stops at ``on_loop()``, before
its first step that has to wait. The loop goes on with the same coroutine (:class:`Rest`): with the attempt that
was made, its retries counted, and what is left of its time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias, TypeVar

from ..net.limits import Limits
from ..net.sync_client import SyncClient, SyncResponse
from .adapters.refusals import KnownRefusals
from .messages import Call
from .network import Answer, Ready
from .outcome import Outcome
from .pace import STEP_S, Charge, Pace
from .protocol import HTTPCall

_T = TypeVar("_T")

Waits: TypeAlias = Callable[[], object]
"""Called before the thread of a request waits for others than the database."""


def begin(steps: Coroutine[Any, Any, Outcome]) -> Outcome | None:
    """Run a call in this thread; None when it has to go on on the loop."""
    try:
        steps.send(None)
    except StopIteration as end:
        return end.value
    return None


class Rest:
    """Awaits the rest of a coroutine that may have begun in another thread; ``await`` alone refuses those."""

    def __init__(self, steps: Coroutine[Any, Any, Outcome]) -> None:
        self._steps = steps

    def __await__(self) -> Generator[Any, Any, Outcome]:
        return self._steps.__await__()


class ThreadNetwork:
    """Sends the requests of one call in the thread that runs it."""

    def __init__(self, client: SyncClient, refusals: KnownRefusals, waits: Waits) -> None:
        self.refusals = refusals
        self._client = client
        self._waits = waits

    def post(
        self, request: HTTPCall, call: Call, *, limits: Limits, allowed_hosts: tuple[str, ...], ready: Ready | None
    ) -> AbstractAsyncContextManager[Answer]:
        """Return a request that blocks. Nobody listens to the answer as it comes, so ``ready`` is not needed."""
        self._waits()
        response = self._client.post(
            request.url,
            request.headers,
            request.body,
            limits=limits,
            allowed_hosts=allowed_hosts,
            tenant=call.tenant,
        )
        return _Response(response)

    def pace(self, call: Call) -> Pace:
        return _ThreadPace(call.pace, self._waits)


class _Response:
    """A response of the client that blocks, with the interface of the loop's client; its steps never wait."""

    def __init__(self, response: SyncResponse) -> None:
        self._response = response

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    async def __aenter__(self) -> _Response:
        self._response.__enter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        self._response.__exit__(*error)

    def __aiter__(self) -> _Response:
        return self

    async def __anext__(self) -> bytes:
        for part in self._response:
            return part
        raise StopAsyncIteration


class _ThreadPace:
    """A call's pace in a thread of its own. What it computes is charged with the rest of the request."""

    def __init__(self, charge: Charge | None, waits: Waits) -> None:
        self._charge = charge
        self._waits = waits
        self._rested_s = time.thread_time()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass

    async def rest(self) -> None:
        """Pause if the tenant has to; a body that comes in small pieces takes long to read."""
        if time.thread_time() - self._rested_s >= STEP_S:
            self._waits()
            self._rested_s = time.thread_time()
            time.sleep(self.settle())

    async def compute(self, function: Callable[[], _T]) -> _T:
        return function()

    def settle(self) -> float:
        return self._charge(0.0) if self._charge else 0.0
