"""Running a tool that a model asked for: in a thread and a context of its own, for a bounded time."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time

from ..types import JSON
from .messages import Call, Tool
from .outcome import ToolCall
from .protocol import ToolRequest
from .text import scrub, scrub_json

MOST_THREADS = 128
"""Tools that run at once in a process, abandoned ones that still hang included."""

_slots = threading.BoundedSemaphore(MOST_THREADS)


async def run_tool(call: Call, request: ToolRequest, arguments: JSON) -> ToolCall:
    """Run it; whatever goes wrong is told to the model as the call's error, by type and message only."""
    started = time.monotonic()
    result, error = None, None
    tool = next((tool for tool in call.tools if tool.name == request.name), None)
    if tool is None:
        known = ", ".join(tool.name for tool in call.tools)
        error = f"There is no tool {request.name!r}; the known ones are: {known or 'none'}."
    elif not isinstance(arguments, dict):
        error = "The arguments are not a JSON object."
    else:
        result, error = await _run(tool, arguments, call.limits.tool_s)
    return ToolCall(
        id=request.id,
        name=request.name,
        arguments=arguments,
        result=result,
        error=error,
        duration_ms=round((time.monotonic() - started) * 1000),
    )


async def _run(tool: Tool, arguments: dict[str, JSON], seconds: float) -> tuple[JSON, str | None]:
    if not _slots.acquire(blocking=False):
        return None, "Too many tools are running; try again later."
    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[JSON, str | None]] = loop.create_future()

    def settle(result: tuple[JSON, str | None]) -> None:
        if not done.done():
            done.set_result(result)

    def work() -> None:
        try:
            # An empty context: nothing of one call, above all no session, leaks into another's tool.
            result = scrub_json(contextvars.Context().run(tool.function, arguments)), None
        except BaseException as error:  # whatever a host's function raises is the model's to hear
            result = None, scrub(f"{type(error).__name__}: {error}")
        finally:
            _slots.release()
        loop.call_soon_threadsafe(settle, result)

    threading.Thread(target=work, name=f"aiagents-tool-{tool.name}", daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            return await done
    except TimeoutError:
        # The thread cannot be stopped; what it will say is not heard any more.
        return None, f"The tool did not answer within {seconds:g} s."
