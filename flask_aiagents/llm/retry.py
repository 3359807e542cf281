"""One round with a model: which one is asked, how often, and what every attempt cost."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import replace

from . import fakes
from .exchange import Exchange
from .failures import Failure
from .messages import Call, Message, Target
from .network import Network, on_loop
from .offline import OfflineModel
from .outcome import Attempt, Delta, Event, Thinking, Usage, estimated_tokens
from .prices import NOTHING, cost
from .protocol import Listener, Reply, Turn
from .providers import PROVIDERS

BACKOFF_S = 0.5
"""The first try is repeated after up to this many seconds, each further one after up to twice as many."""

LONGEST_RETRY_AFTER_S = 20.0
"""A provider that asks to wait longer is not waited for."""


class Attempts:
    """Asks a call's models in their order and remembers every attempt."""

    def __init__(self, call: Call, network: Network, listener: Listener | None) -> None:
        self._call = call
        self._listener = listener
        self._deadline = time.monotonic() + call.limits.total_s
        self._index = 0
        self._retries = [0] * len(call.targets)
        self._heard: list[str] = []
        self._thought: list[str] = []
        self._exchange: Exchange | None = None
        self.network = network
        """Network that the next attempt is made on."""
        self.attempts: list[Attempt] = []
        self.interruption = "timeout"
        """Meaning of a cancellation of this task: the time was up, or the reader left."""

    @property
    def left_s(self) -> float:
        """The seconds that are left of the call's time."""
        return self._deadline - time.monotonic()

    @property
    def target(self) -> Target:
        """The model that is asked now."""
        return self._call.targets[self._index]

    @property
    def heard(self) -> str:
        """The text that the running round has brought so far."""
        return self._without_key("".join(self._heard))

    @property
    def thought(self) -> str:
        """The thinking that it has brought."""
        return self._without_key("".join(self._thought))

    async def ask(self, turns: Sequence[Turn]) -> Reply:
        """Return the next answer in a conversation.

        :raises Failure: when every model failed, or one failed after its text had gone to the reader.
        :raises TimeoutError: when the call's time is up.
        """
        while True:
            self._heard, self._thought = [], []
            try:
                return await self._attempt(turns)
            except Failure as failure:
                if self._heard or self._thought or not await self._another_chance(failure):
                    raise

    async def _another_chance(self, failure: Failure) -> bool:
        delay = self._delay(failure)
        again = failure.retryable and self._retries[self._index] < self._call.limits.max_retries
        if again and delay < self.left_s:
            self._retries[self._index] += 1
            await on_loop()
            await asyncio.sleep(delay)
            return True
        if self._index + 1 < len(self._call.targets):
            self._index += 1
            await on_loop()
            return True
        return False

    def _delay(self, failure: Failure) -> float:
        if failure.retry_after is not None:
            return failure.retry_after if failure.retry_after <= LONGEST_RETRY_AFTER_S else float("inf")
        # Full jitter: callers that failed together do not come back together.
        return random.uniform(0, BACKOFF_S * 2 ** self._retries[self._index])  # noqa: S311  # no secret

    async def _attempt(self, turns: Sequence[Turn]) -> Reply:
        started = time.monotonic()
        try:
            reply = await self._reply(turns)
        except Failure as failure:
            self._clean(failure)
            self._note(started, failure.detail or failure.error, *self._cut(turns, failure))
            raise
        except (asyncio.CancelledError, TimeoutError):
            self._note(started, self.interruption, *self._cut(turns, None))
            raise
        self._note(started, None, reply.usage)
        return self._cleaned(reply)

    async def _reply(self, turns: Sequence[Turn]) -> Reply:
        target, listener = self.target, self._listener and self
        if (fake := fakes.current()) is not None:
            return await fake.ask(target, self._call, turns, listener)
        if PROVIDERS[target.provider].adapter is None:
            return await OfflineModel(target.model).ask(self.network.pace(self._call), self._call, turns, listener)
        self._exchange = Exchange(self.network, target, self._call, turns, listener, self._deadline)
        reply = await self._exchange.ask()
        if not self._heard and self._listener and reply.text:  # asked for a stream, the server sent JSON
            await self.ready()
            self.tell(Delta(text=reply.text))
        return reply

    def tell(self, event: Event) -> None:
        """Hear a piece of the answer and pass it on."""
        match event:
            case Delta(text=text):
                event = Delta(text=self._without_key(text))
                self._heard.append(event.text)
            case Thinking(text=text):
                event = Thinking(text=self._without_key(text))
                self._thought.append(event.text)
            case _:
                pass
        if self._listener:
            self._listener.tell(event)

    async def ready(self) -> None:
        """Wait for room at the reader's."""
        if self._listener:
            await self._listener.ready()

    def _clean(self, failure: Failure) -> None:
        """Finish what is known of a failure; no server's echo of the key gets any further."""
        if failure.error == "connection" and (self._heard or self._thought):
            failure.error, failure.did = "incomplete", "stopped in the middle of its answer"
        if failure.raw:
            failure.raw = self._without_key(failure.raw)

    def _cleaned(self, reply: Reply) -> Reply:
        """Return a reply that shows the key nowhere but in what only this server gets back."""
        clean = self._without_key
        return replace(
            reply,
            target=self.target,
            text=clean(reply.text),
            thinking=clean(reply.thinking),
            finish_reason=clean(reply.finish_reason),
            tool_requests=tuple(
                replace(request, name=clean(request.name), arguments=clean(request.arguments))
                for request in reply.tool_requests
            ),
        )

    def _without_key(self, text: str) -> str:
        """Return what a server said without the key that it was sent."""
        key = self.target.api_key
        return text.replace(key, "[key]") if key else text

    def _cut(self, turns: Sequence[Turn], failure: Failure | None) -> tuple[Usage | None, bool]:
        """Return what a broken attempt used, and whether that is an estimate."""
        if failure and failure.free:
            return Usage(), False
        counted = failure.usage if failure else self._exchange and self._exchange.usage
        written = (failure.text if failure else "") or self.heard
        if not (self._listener or written or counted):
            return None, False  # only text shows how far it came
        estimate = self._estimate(turns, written)
        if counted is None:
            return estimate, True
        # Reports that come before the end count only the beginning of the answer.
        more = max(counted.output_tokens, estimate.output_tokens)
        return replace(counted, output_tokens=more), more > counted.output_tokens

    def _estimate(self, turns: Sequence[Turn], written: str) -> Usage:
        said = len(self._call.system_prompt or "") + sum(_length(turn) for turn in turns)
        output = estimated_tokens(len(written) + len(self.thought))
        return Usage(input_tokens=estimated_tokens(said), output_tokens=output)

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
