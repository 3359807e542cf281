"""One call from its first question to its outcome: rounds with the model, and the tools in between."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from functools import reduce
from operator import add
from typing import Literal

from ..logs import logger
from ..types import JSON
from .failures import Failure
from .json_schema import compile_schema
from .messages import Call
from .outcome import Event, Outcome, ToolCall, ToolCallEnded, ToolCallStarted, Usage, UsageReported
from .outputs import InvalidOutput, parse_output
from .protocol import Listener, Reply, ToolRequest, Turn
from .providers import Models
from .retry import Attempts
from .schema_engine import InvalidSchema
from .text import parse_json
from .tool_runner import run_tool

_log = logger(__name__)


class Conversation:
    """Runs one call on the loop thread; :meth:`run` always ends with an outcome."""

    def __init__(self, call: Call, models: Models, listener: Listener | None = None) -> None:
        self._call = call
        self._listener = listener
        self._tries = Attempts(call, models, listener)
        self._tool_calls: list[ToolCall] = []

    def interrupt(self) -> None:
        """Note that the reader left, before the task is cancelled."""
        self._tries.interruption = "cancelled"

    async def run(self) -> Outcome:
        """Ask, run tools, ask again; never raises for what goes wrong outside."""
        try:
            async with asyncio.timeout(self._call.limits.total_s):
                return await self._rounds()
        except TimeoutError:
            return self._ended("timeout", "timeout", f"The time of {self._call.limits.total_s:g} s was up.")
        except asyncio.CancelledError:
            return self._ended("cancelled", "cancelled", "The reader left before the end.")
        except Failure as failure:
            return self._failed(failure)
        except InvalidSchema as error:
            return self._ended("error", "invalid_schema", f"The agent's output_schema cannot be used. {error}.")
        except Exception:
            _log.exception("A call broke off.")
            return self._ended("error", "internal", "The call broke off; the server's log tells more.")

    async def _rounds(self) -> Outcome:
        if self._call.output_schema is not None:
            compile_schema(self._call.output_schema)  # before anything is paid for
        turns: list[Turn] = list(self._call.messages)
        for left in reversed(range(self._call.limits.max_tool_rounds + 1)):
            reply = await self._tries.ask(turns)
            self._report()
            if not reply.tool_requests:
                return self._finished(reply)
            self._check_limits(reply, left)
            turns += [reply, await self._run_tools(reply.tool_requests)]
        raise AssertionError("the last round either answers or fails")

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

    def _finished(self, reply: Reply) -> Outcome:
        schema = self._call.output_schema
        try:
            output = reply.text if schema is None else parse_output(reply.text, schema)
        except InvalidOutput as error:
            message = f"The answer does not fit output_schema: {error}."
            return self._outcome("error", reply.text, reply.finish_reason, "invalid_output", message)
        return self._outcome("success", output, reply.finish_reason)

    def _failed(self, failure: Failure) -> Outcome:
        status = "timeout" if failure.error == "timeout" else "error"
        tries = len(self._tries.attempts)
        after = f" after {tries} attempts" if tries > 1 else ""
        message = f"{self._tries.target.provider} {failure.did}{after}."
        wait = None if failure.retry_after is None else -int(-failure.retry_after // 1)
        return self._ended(status, failure.error, message, wait)

    def _ended(
        self,
        status: Literal["error", "timeout", "cancelled"],
        error: str,
        message: str,
        retry_after: int | None = None,
    ) -> Outcome:
        return self._outcome(status, self._tries.heard or None, None, error, message, retry_after)

    def _outcome(
        self,
        status: Literal["success", "error", "timeout", "cancelled"],
        output: JSON,
        finish_reason: str | None,
        error: str | None = None,
        message: str | None = None,
        retry_after: int | None = None,
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
            message=message,
            retry_after=retry_after,
        )

    def _usage(self) -> Usage | None:
        known = [attempt.usage for attempt in self._tries.attempts if attempt.usage is not None]
        return reduce(add, known) if known else None

    def _cost(self) -> Decimal | None:
        costs = [attempt.cost_usd for attempt in self._tries.attempts]
        return None if None in costs else sum((cost for cost in costs if cost is not None), Decimal(0))


def _readable(arguments: str) -> JSON:
    """The arguments as JSON; what is no JSON stays text, to be refused by the tool and shown in the log."""
    try:
        return parse_json(arguments or "{}")
    except ValueError:
        return arguments
