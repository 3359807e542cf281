"""One round with a model: which one is asked, how often, and what every try cost."""

from __future__ import annotations

import asyncio
import random
import time

from ..logs import logger
from .failures import Failure
from .messages import Call, Message, Target
from .outcome import Attempt, Delta, Event, Usage, estimated_tokens
from .prices import NOTHING, cost
from .protocol import Listener, Reply, Turn
from .providers import PROVIDERS, Models
from .wire import WIRE, Wire

_log = logger(__name__)

BACKOFF_S = 0.5
"""The first try is repeated after up to this many seconds, each further one after up to twice as many."""

LONGEST_RETRY_AFTER_S = 20.0
"""A provider that asks to wait longer is not waited for."""


class Attempts:
    """Asks a call's models in their order and remembers every attempt."""

    def __init__(self, call: Call, models: Models, listener: Listener | None) -> None:
        self._call = call
        self._models = models
        self._listener = listener
        self._deadline = asyncio.get_running_loop().time() + call.limits.total_s
        self._index = 0
        self._retries = [0] * len(call.targets)
        self._heard: list[str] = []
        self.attempts: list[Attempt] = []
        self.interruption = "timeout"
        """What a cancellation of this task means: the time was up, or the reader left."""

    @property
    def target(self) -> Target:
        """The model that is asked now."""
        return self._call.targets[self._index]

    @property
    def heard(self) -> str:
        """The text that the running round has brought so far."""
        return "".join(self._heard)

    async def ask(self, turns: list[Turn]) -> Reply:
        """The next answer in a conversation.

        :raises Failure: when every model failed, or one failed after its text had gone to the reader.
        """
        while True:
            self._heard = []
            try:
                return await self._attempt(turns)
            except Failure as failure:
                if self._heard or not await self._another_chance(failure):
                    raise

    async def _another_chance(self, failure: Failure) -> bool:
        delay = self._delay(failure)
        room = self._deadline - asyncio.get_running_loop().time()
        if failure.retryable and self._retries[self._index] < self._call.limits.max_retries and delay < room:
            self._retries[self._index] += 1
            await asyncio.sleep(delay)
            return True
        if self._index + 1 < len(self._call.targets):
            self._index += 1
            return True
        return False

    def _delay(self, failure: Failure) -> float:
        if failure.retry_after is not None:
            return failure.retry_after if failure.retry_after <= LONGEST_RETRY_AFTER_S else float("inf")
        # Full jitter: callers that failed together do not come back together.
        return random.uniform(0, BACKOFF_S * 2 ** self._retries[self._index])  # noqa: S311  # no secret

    async def _attempt(self, turns: list[Turn]) -> Reply:
        started = time.monotonic()
        try:
            reply = await self._reply(turns)
        except Failure as failure:
            self._note(started, failure.detail or failure.error, *self._cut(turns, failure.free))
            raise
        except asyncio.CancelledError:
            self._note(started, self.interruption, *self._cut(turns, free=False))
            raise
        if reply.finish_reason is None:
            self._note(started, "incomplete", reply.usage or self._estimate(turns), reply.usage is None)
            raise Failure(error="incomplete", did="stopped in the middle of its answer", retryable=True)
        self._note(started, None, reply.usage)
        return reply

    async def _reply(self, turns: list[Turn]) -> Reply:
        if PROVIDERS[self.target.provider].dialect is None:
            return await self._models.get(self.target, self._call).ask(self._call, turns, self._listener and self)
        wire = Wire(self._call.limits, self.target.api_key, self.ready)
        WIRE.set(wire)
        try:
            model = self._models.get(self.target, self._call)
            return await model.ask(self._call, turns, self._listener and self)
        except Failure:
            raise
        except Exception as error:
            # Whatever an SDK made of it: what was seen on the wire tells, and no text of the provider passes.
            raise self._failure(wire.failure, wire.status, error) from None

    def _failure(self, seen: Failure | None, status: int | None, error: Exception) -> Failure:
        if seen is not None and seen.error == "connection" and self._heard:
            return Failure(error="incomplete", did="stopped in the middle of its answer")
        if seen is not None:
            return seen
        _log.warning("%s gave no usable answer: %s", self.target.provider, type(error).__name__)
        if isinstance(error, ImportError):
            did = f"needs a library: pip install flask-aiagents[{self.target.provider}]"
            return Failure(error="upstream", did=did, detail="not_installed", free=True)
        if status is None:
            did = f"could not be asked ({type(error).__name__})"
            return Failure(error="upstream", did=did, detail="not_asked", free=True)
        return Failure(error="invalid_response", did="answered something that is no valid answer")

    def tell(self, event: Event) -> None:
        """Hear a piece of the answer and pass it on."""
        if isinstance(event, Delta):
            self._heard.append(event.text)
        if self._listener:
            self._listener.tell(event)

    async def ready(self) -> None:
        """Wait for room at the reader's."""
        if self._listener:
            await self._listener.ready()

    def _cut(self, turns: list[Turn], free: bool) -> tuple[Usage | None, bool]:
        """What a broken attempt used, and whether that is an estimate: only a stream shows how far it came."""
        if free or not self._listener:
            return (Usage() if free else None), False
        return self._estimate(turns), True

    def _estimate(self, turns: list[Turn]) -> Usage | None:
        if not self._listener:
            return None
        said = len(self._call.system_prompt or "") + sum(_length(turn) for turn in turns)
        return Usage(input_tokens=estimated_tokens(said), output_tokens=estimated_tokens(len(self.heard)))

    def _note(self, started: float, error: str | None, usage: Usage | None, estimated: bool = False) -> None:
        target = self.target
        free = usage == Usage() and error is not None
        paid = cost(target.provider, target.model, usage, overrides=self._call.prices)
        self.attempts.append(
            Attempt(
                provider=target.provider,
                model=target.model,
                duration_ms=round((time.monotonic() - started) * 1000),
                usage=None if free else usage,
                cost_usd=NOTHING if free else paid,
                error=error,
                estimated=estimated and usage is not None,
            )
        )


def _length(turn: Turn) -> int:
    match turn:
        case Message(content=text) | Reply(text=text):
            return len(text)
        case results:
            return sum(len(str(call.result)) for call in results)
