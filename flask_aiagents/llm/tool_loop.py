"""One call from its first question to its outcome: rounds with the model, and the tools in between."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from dataclasses import replace
from decimal import Decimal
from functools import partial, reduce
from operator import add
from typing import Any, Literal

from ..logs import logger
from ..types import JSON, JSONObject
from .adapters.requests import NO_ARGUMENTS
from .adapters.schema_format import repair_request
from .failures import Failure
from .first_attempt import Rest, begin
from .json_schema import compile_schema
from .messages import Call, Message
from .network import LoopNetwork, Network, on_loop
from .outcome import (
    Event,
    Limit,
    Outcome,
    Repairing,
    ToolCall,
    ToolCallEnded,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from .outputs import InvalidOutput, parse_output
from .protocol import Listener, Reply, ToolRequest, Turn
from .retry import Attempts
from .schema_engine import InvalidSchema
from .text import parse_json, scrub
from .tool_runner import run_tool

_log = logger(__name__)

MAX_WAIT_S = 86_400.0
"""The longest wait that a caller is told, whatever the provider asks for."""


MAX_STEP_CHARACTERS = 16_384
"""Output of more is parsed in a thread when the call runs on the loop."""


class Conversation:
    """Runs one call, on the loop or first in the thread of a request; it always ends with an outcome."""

    def __init__(self, call: Call, network: Network, listener: Listener | None = None) -> None:
        self._call = call
        self._listener = listener
        self._tries = Attempts(call, network, listener)
        self._tool_calls: list[ToolCall] = []
        self._thoughts: list[str] = []
        self._invalid: tuple[Reply, str] | None = None
        """The last answer that does not fit ``output_schema``, and why."""
        self._steps: Coroutine[Any, Any, Outcome] = self._run()

    def begin(self) -> Outcome | None:
        """Make the first attempt in this thread; None when the call has to go on on the loop.

        Only for a call that nobody listens to.
        """
        return begin(self._steps)

    def go_on(self, network: LoopNetwork) -> Coroutine[Any, Any, Outcome]:
        """Return what the loop has to run after :meth:`begin`."""
        self._tries.network = network
        return self.run()

    def interrupt(self) -> None:
        """Note that the reader left, before the task is cancelled."""
        self._tries.interruption = "cancelled"

    async def run(self) -> Outcome:
        """Run the call on the loop: from its beginning, or from where its first attempt left it."""
        try:
            async with asyncio.timeout(self._tries.left_s):
                return await Rest(self._steps)
        except TimeoutError:
            return self._time_is_up()
        except asyncio.CancelledError:
            return self._ended("cancelled", "cancelled", "The reader left before the end.")

    async def _run(self) -> Outcome:
        """Ask, run tools, ask again; never raises for what goes wrong outside."""
        try:
            return await self._rounds()
        except TimeoutError:
            return self._time_is_up()
        except Failure as failure:
            return self._invalid_output(*self._invalid) if self._invalid else self._failed(failure)
        except InvalidSchema as error:
            return self._ended("error", "invalid_schema", f"The agent's output_schema cannot be used. {error}.")
        except Exception:
            _log.exception("A call broke off.")
            return self._ended("error", "internal", "The call broke off; the server's log tells more.")

    async def _rounds(self) -> Outcome:
        if self._call.output_schema is not None:
            compile_schema(self._call.output_schema)  # before anything is paid for
        turns: list[Turn] = list(self._call.messages)
        rounds, repairs = self._call.limits.max_tool_rounds, self._call.output_retries
        while True:
            reply = await self._tries.ask(turns)
            self._thoughts.append(reply.thinking)
            self._report()
            if reply.tool_requests:
                self._check_limits(reply, rounds)
                rounds -= 1
                await on_loop()
                turns += [reply, await self._run_tools(reply.tool_requests)]
            elif isinstance(ended := await self._finished(reply), Outcome):
                return ended
            elif not repairs or reply.finish_reason != "stop":
                return self._invalid_output(reply, ended)
            else:
                repairs -= 1
                self._invalid = (reply, ended)
                self._say(Repairing(problem=ended))
                await on_loop()
                turns += [reply, Message(role="user", content=repair_request(ended))]

    def _check_limits(self, reply: Reply, rounds_left: int) -> None:
        if not rounds_left:
            raise Failure(error="tool_limit", did="kept asking for tools")
        if len(self._tool_calls) + len(reply.tool_requests) > self._call.limits.max_tool_calls:
            raise Failure(
                error="tool_limit", did=f"asked for more than {self._call.limits.max_tool_calls} tool calls"
            )

    async def _run_tools(self, tool_requests: tuple[ToolRequest, ...]) -> tuple[ToolCall, ...]:
        """Run what one answer asked for, side by side; results stand in the order of the requests."""
        results = await asyncio.gather(*(self._run_tool(request) for request in tool_requests))
        return tuple(results)

    async def _run_tool(self, request: ToolRequest) -> ToolCall:
        arguments = _readable(request.arguments)
        self._say(ToolCallStarted(id=request.id, name=request.name, arguments=arguments))
        call = await run_tool(self._call, request, arguments)
        self._tool_calls.append(call)
        self._say(ToolCallEnded(call=call))
        return call

    def _say(self, event: Event) -> None:
        if self._listener:
            self._listener.tell(event)

    def _report(self) -> None:
        if (usage := self._usage()) is not None:
            self._say(UsageReported(usage=usage, cost_usd=self._cost()))

    async def _finished(self, reply: Reply) -> Outcome | str:
        """Return the outcome of an answer, or what is wrong with it."""
        schema = self._call.output_schema
        if schema is None:
            return self._outcome("success", reply.text, reply.finish_reason)
        if reply.finish_reason == "refused":
            message = f"The model of {self._tries.target.provider} refused to answer."
            return self._outcome("error", reply.text, reply.finish_reason, "refused", message)
        try:
            return self._outcome("success", await self._parsed(reply.text, schema), reply.finish_reason)
        except InvalidOutput as error:
            return str(error)

    async def _parsed(self, text: str, schema: JSONObject) -> JSON:
        if len(text) <= MAX_STEP_CHARACTERS:
            return parse_output(text, schema)
        return await self._tries.network.pace(self._call).compute(partial(parse_output, text, schema))

    def _invalid_output(self, reply: Reply, problem: str) -> Outcome:
        message = f"The answer does not fit output_schema: {problem}."
        if reply.finish_reason == "length":
            limit = f"max_tokens ({self._call.max_tokens})" if self._call.max_tokens else "the model's own limit"
            message = f"The answer was cut at {limit}, so it does not fit output_schema: {problem}."
        return self._outcome("error", reply.text, reply.finish_reason, "invalid_output", message)

    def _failed(self, failure: Failure) -> Outcome:
        status = "timeout" if failure.error == "timeout" else "error"
        tries = len(self._tries.attempts)
        after = f" after {tries} attempts" if tries > 1 else ""
        message = f"{self._tries.target.provider} {failure.did}{after}."
        ended = self._ended(status, failure.error, message, limit=failure.limit)
        wait = failure.retry_after
        return replace(
            ended,
            output=ended.output or failure.text or None,
            raw=failure.raw and scrub(failure.raw),
            retry_after=None if wait is None else math.ceil(min(wait, MAX_WAIT_S)),
        )

    def _time_is_up(self) -> Outcome:
        message = f"The time of {self._call.limits.total_s:g} s was up."
        return self._ended("timeout", "timeout", message, limit="total")

    def _ended(
        self,
        status: Literal["error", "timeout", "cancelled"],
        error: str,
        message: str,
        *,
        limit: Limit | None = None,
    ) -> Outcome:
        self._thoughts.append(self._tries.thought)
        last = self._invalid[0].text if self._invalid else ""
        ended = self._outcome(status, self._tries.heard or last or None, None, error, message)
        return replace(ended, limit=limit)

    def _outcome(
        self,
        status: Literal["success", "error", "timeout", "cancelled"],
        output: JSON,
        finish_reason: str | None,
        error: str | None = None,
        message: str | None = None,
    ) -> Outcome:
        return Outcome(
            status=status,
            output=output,
            finish_reason=finish_reason,
            usage=self._usage(),
            cost_usd=self._cost(),
            provider=self._tries.target.provider,
            model=self._tries.target.model,
            attempts=tuple(self._tries.attempts),
            tool_calls=tuple(self._tool_calls),
            error=error,
            thinking="".join(self._thoughts) or None,
            message=message,
        )

    def _usage(self) -> Usage | None:
        known = [attempt.usage for attempt in self._tries.attempts if attempt.usage is not None]
        return reduce(add, known) if known else None

    def _cost(self) -> Decimal | None:
        costs = [attempt.cost_usd for attempt in self._tries.attempts]
        return None if None in costs else sum((cost for cost in costs if cost is not None), Decimal(0))


def _readable(arguments: str) -> JSON:
    """Return the arguments as JSON; what is no JSON stays text, for the tool to refuse and the log to show."""
    if arguments.strip() in NO_ARGUMENTS:
        return {}
    try:
        return parse_json(arguments)
    except ValueError:
        return arguments
