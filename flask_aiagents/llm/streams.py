"""A stream of events from the loop thread to the thread of a request."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import Context
from dataclasses import replace

from .outcome import Delta, Ended, Event, Outcome, Thinking
from .tool_loop import Conversation

PING_S = 5.0
"""Seconds of silence after which a reader gets None, so that it can tell its own reader that it lives."""

BUFFERED_EVENTS = 256
"""When so many events wait for a slow reader, nothing more is read from the provider."""

_CLOSING_S = 10.0


class Stream:
    """Iterate it for events, the last of them :class:`Ended`; None means that nothing happened for a while."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ping_s: float) -> None:
        self._loop = loop
        self._ping_s = ping_s
        self._events: deque[Event] = deque()
        self._arrived = threading.Condition()
        self._room = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._conversation: Conversation | None = None
        self._closed = False
        self.outcome: Outcome | None = None
        """How the call ended; None while it runs."""

    def begin(self, make: Callable[[], Conversation]) -> None:
        """Start the call on the loop thread."""
        self._loop.call_soon_threadsafe(self._begin, make, context=Context())

    def __iter__(self) -> Iterator[Event | None]:
        while True:
            event = self._next()
            yield event
            if isinstance(event, Ended):
                return

    def close(self) -> Outcome:
        """Cancel the call if it still runs, and return how it ended."""
        self._loop.call_soon_threadsafe(self._cancel)
        with self._arrived:
            self._arrived.wait_for(lambda: self.outcome is not None, _CLOSING_S)
        return self.outcome or Outcome(status="cancelled", error="cancelled", message="The reader left.")

    def _next(self) -> Event | None:
        with self._arrived:
            if not self._arrived.wait_for(lambda: self._events or self.outcome, self._ping_s):
                return None
            if self._events:
                waiting = len(self._events)
                event = self._taken()
            else:
                assert self.outcome is not None  # noqa: S101  # that is what was waited for
                return Ended(outcome=self.outcome)
            made_room = waiting > BUFFERED_EVENTS // 2 >= len(self._events)
        if made_room:
            self._loop.call_soon_threadsafe(self._room.set)
        return event

    def _taken(self) -> Event:
        """The next event; pieces of text that arrived meanwhile are handed over as one."""
        event = self._events.popleft()
        if not isinstance(event, Delta | Thinking):
            return event
        texts = [event.text]
        while self._events and isinstance(following := self._events[0], type(event)):
            texts.append(following.text)
            self._events.popleft()
        return replace(event, text="".join(texts)) if len(texts) > 1 else event

    # What follows runs on the loop thread.

    def _begin(self, make: Callable[[], Conversation]) -> None:
        self._conversation = make()
        self._task = self._loop.create_task(self._run(self._conversation))
        if self._closed:
            self._cancel()

    async def _run(self, conversation: Conversation) -> None:
        outcome = await conversation.run()
        with self._arrived:
            self.outcome = outcome
            self._arrived.notify_all()

    def tell(self, event: Event) -> None:
        """Put an event where the reader finds it."""
        with self._arrived:
            self._events.append(event)
            self._arrived.notify_all()

    async def ready(self) -> None:
        """Wait until the reader has caught up."""
        while len(self._events) >= BUFFERED_EVENTS:
            self._room.clear()
            await self._room.wait()

    def _cancel(self) -> None:
        self._closed = True
        if self._task is not None and self._conversation is not None and not self._task.done():
            self._conversation.interrupt()
            # Not at once: a task that is cancelled before its first step never gets to say how it ended.
            self._loop.call_soon(self._task.cancel)
