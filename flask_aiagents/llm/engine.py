"""The engine: runs the calls of a process.

A call that nobody listens to makes its first attempt in the thread of its request. Streams, retries, tools and
fallbacks run on an event loop, in one daemon thread for all calls: it starts when it is first needed, so after any
fork, and a process that was forked later starts its own. No event loop ever runs in a request's thread. Nothing on
the loop runs in a request's context: the process's loop would keep that request's app alive.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from contextvars import Context
from functools import cache
from importlib import import_module
from typing import Any, TypeVar

from ..errors import ConfigurationError
from ..net.sockets import tls_context
from ..net.sync_client import SyncClient
from . import prices
from .adapters.refusals import KnownRefusals
from .first_attempt import ThreadNetwork, Waits
from .messages import Call
from .network import LoopNetwork
from .outcome import Outcome
from .providers import PROVIDERS
from .streams import PING_S, Stream
from .tool_loop import Conversation

_T = TypeVar("_T")

CLOSING_S = 1.0
"""Seconds that the end of the process waits for connections to be closed."""


class Engine:
    """Runs calls. One for each process is enough: :func:`engine`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refusals = KnownRefusals()
        self._client = SyncClient()
        self._thread: _LoopThread | None = None

    def run(self, call: Call, *, waits: Waits = lambda: None) -> Outcome:
        """Ask and wait for the end. What goes wrong outside is in the outcome.

        :param waits: called in this thread before it waits for a model or a tool.
        :raises ConfigurationError: in a process patched by gevent or eventlet.
        """
        _refuse_green_threads()
        if _is_online(call):
            prices.load()  # before the clock of the first attempt starts
        conversation = Conversation(call, ThreadNetwork(self._client, self._refusals, waits))
        if (outcome := conversation.begin()) is not None:
            return outcome
        waits()
        thread = self._started(call)
        future = thread.submit(conversation.go_on(thread.network))
        try:
            return future.result()
        except BaseException:  # the waiting thread itself is being stopped: so is its call
            future.cancel()
            raise

    def stream(self, call: Call, *, ping_s: float = PING_S) -> Stream:
        """Ask and read the answer as it comes. The call begins at once; close the stream in any case.

        :raises ConfigurationError: in a process patched by gevent or eventlet.
        """
        _refuse_green_threads()
        thread = self._started(call)
        stream = Stream(thread.loop, ping_s)
        stream.begin(lambda: Conversation(call, thread.network, stream))
        return stream

    def close(self) -> None:
        """End the calls that still run and close all connections, within :data:`CLOSING_S`."""
        self._client.close()
        if self._thread is not None and self._thread.pid == os.getpid():
            self._thread.close()

    def _started(self, call: Call) -> _LoopThread:
        with self._lock:
            if self._thread is None or self._thread.pid != os.getpid():
                self._thread = _LoopThread(self._refusals)
        if _is_online(call):
            _load()
        return self._thread


def _is_online(call: Call) -> bool:
    return any(PROVIDERS[target.provider].adapter for target in call.targets)


@cache
def _load() -> None:
    """Load what is slow here, in a thread that may wait, not on the loop that serves all calls."""
    import_module("flask_aiagents.net.client")
    tls_context()
    prices.load()


class _LoopThread:
    """An event loop in a daemon thread, with the network that its calls share."""

    def __init__(self, refusals: KnownRefusals) -> None:
        self.pid = os.getpid()
        self.network = LoopNetwork(refusals)
        self.loop = Context().run(asyncio.new_event_loop)
        self._thread = threading.Thread(target=self.loop.run_forever, name="aiagents-engine", daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, _T]) -> Future[_T]:
        return Context().run(asyncio.run_coroutine_threadsafe, work, self.loop)

    def close(self) -> None:
        """Cancel what runs, close the connections and end the thread; gives up after a while."""
        with suppress(TimeoutError):
            self.submit(self._end()).result(CLOSING_S)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(CLOSING_S)
        if not self._thread.is_alive():
            self.loop.close()

    async def _end(self) -> None:
        if running := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in running:
                task.cancel()
            await asyncio.wait(running)
        await self.network.close()


def _refuse_green_threads() -> None:
    """A patched process has no real threads: the loop would starve it, or the other way round."""
    monkey, patcher = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    green = (monkey is not None and monkey.is_module_patched("threading")) or (
        patcher is not None and patcher.is_monkey_patched("thread")
    )
    if green:
        raise ConfigurationError(
            "Agents cannot run in a process that is patched by gevent or eventlet.",
            hint="Serve the app with gunicorn's gthread worker: gunicorn -k gthread --threads 64 ...",
        )


_engine = Engine()
atexit.register(_engine.close)


def engine() -> Engine:
    """The process's engine."""
    return _engine
