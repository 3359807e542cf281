"""The one thread of the process on which models are called.

It starts at the first call, so after any fork; a process that was forked later starts its own. Threads of
requests hand their calls over and wait, or read the events of a stream; no event loop ever runs in a request's
thread. Nothing on the loop runs in a request's context: the process's loop would keep that request's app alive.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextvars import Context
from importlib import import_module
from typing import Any, TypeVar

from ..errors import ConfigurationError
from . import prices
from .exchange import Network
from .messages import Call
from .outcome import Outcome
from .providers import PROVIDERS
from .streams import PING_S, Stream
from .tool_loop import Conversation

_T = TypeVar("_T")


class Engine:
    """Runs calls. One for each process is enough: :func:`engine`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: _LoopThread | None = None
        self._loaded = False

    def run(self, call: Call) -> Outcome:
        """Ask and wait for the end. What goes wrong outside is in the outcome.

        :raises ConfigurationError: in a process patched by gevent or eventlet.
        """
        thread = self._started(call)
        future = thread.submit(_run(call, thread.network))
        try:
            return future.result()
        except BaseException:  # the waiting thread itself is being stopped: so is its call
            future.cancel()
            raise

    def stream(self, call: Call, *, ping_s: float = PING_S) -> Stream:
        """Ask and read the answer as it comes. The call begins at once; close the stream in any case.

        :raises ConfigurationError: in a process patched by gevent or eventlet.
        """
        thread = self._started(call)
        stream = Stream(thread.loop, ping_s)
        stream.begin(lambda: Conversation(call, thread.network, stream))
        return stream

    def _started(self, call: Call) -> _LoopThread:
        with self._lock:
            if self._thread is None or self._thread.pid != os.getpid():
                _refuse_green_threads()
                self._thread = _LoopThread()
            if not self._loaded and any(PROVIDERS[target.provider].adapter for target in call.targets):
                self._load()
            return self._thread

    def _load(self) -> None:
        """Import the heavy libraries here, in a thread that may wait, not on the loop that serves all calls."""
        import_module("flask_aiagents.net.client")
        prices.load()
        self._loaded = True


class _LoopThread:
    """An event loop in a daemon thread, with the network that its calls share."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.network = Network()
        self.loop = Context().run(asyncio.new_event_loop)
        threading.Thread(target=self.loop.run_forever, name="aiagents-engine", daemon=True).start()

    def submit(self, work: Coroutine[Any, Any, _T]) -> Future[_T]:
        return Context().run(asyncio.run_coroutine_threadsafe, work, self.loop)


async def _run(call: Call, network: Network) -> Outcome:
    return await Conversation(call, network).run()


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


def engine() -> Engine:
    """The process's engine."""
    return _engine
