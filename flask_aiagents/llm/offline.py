"""A model without a network: deterministic, free, and plain about what it is.

It streams word by word, fills a simple ``output_schema``, and calls a tool whose name the user says.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from functools import partial
from itertools import islice

from ..types import JSONObject
from .examples import example
from .messages import Call, Message, Tool
from .outcome import Delta, ToolCall, Usage, estimated_tokens
from .pace import Pace
from .protocol import Listener, Reply, ToolRequest, Turn
from .text import dump_json

SAYS = "[offline model]"
"""How every text of the offline model begins, unless a schema asks for JSON."""


STEP_WORDS = 64
"""Words that are streamed before others on the loop get their turn."""


class OfflineModel:
    """Answers from what it was asked, and from nothing else."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def ask(self, pace: Pace, call: Call, turns: Sequence[Turn], listener: Listener | None) -> Reply:
        """Return the answer, word by word to a listener."""
        reply = await pace.compute(partial(self._reply, call, turns))
        if listener is not None:
            words = re.finditer(r"\S+\s*", reply.text)
            while step := list(islice(words, STEP_WORDS)):
                await listener.ready()
                with pace:
                    for word in step:
                        listener.tell(Delta(text=word[0]))
                await pace.rest()
            pace.settle()
        return reply

    def _reply(self, call: Call, turns: Sequence[Turn]) -> Reply:
        asked = _last_words(turns)
        results = turns[-1] if isinstance(turns[-1], tuple) else ()
        if (tool := _wanted(call, asked)) and not results:
            arguments = dump_json(_arguments(tool, asked))
            request = ToolRequest(
                id=f"offline-{zlib.crc32(asked.encode()):08x}", name=tool.name, arguments=arguments
            )
            return Reply(
                text="", tool_requests=(request,), usage=_usage(call, turns, arguments), finish_reason="tool_call"
            )
        text, complete = self._answer(call, asked, results)
        return Reply(text=text, usage=_usage(call, turns, text), finish_reason="stop" if complete else "length")

    def _answer(self, call: Call, asked: str, results: tuple[ToolCall, ...]) -> tuple[str, bool]:
        """The text, and whether it is all that there was to say."""
        complete = True
        if call.output_schema is not None:
            value, complete = example(call.output_schema)
            whole = dump_json(value)
        else:
            whole = f"{SAYS} {self._name} read: {asked}"
            for result in results:
                whole += f" The tool {result.name} said: {result.error or dump_json(result.result)}."
        text = whole if call.max_tokens is None else whole[: call.max_tokens * 4]
        return text, complete and text == whole


def _last_words(turns: Sequence[Turn]) -> str:
    words = [turn.content for turn in turns if isinstance(turn, Message) and turn.role == "user"]
    return words[-1] if words else ""


def _wanted(call: Call, asked: str) -> Tool | None:
    spoken = asked.lower().replace("_", " ")
    return next((tool for tool in call.tools if tool.name.lower().replace("_", " ") in spoken), None)


def _arguments(tool: Tool, asked: str) -> JSONObject:
    """What the user said, as far as it fits: numbers for numbers, quoted words for texts."""
    numbers = [json.loads(number) for number in re.findall(r"(?<![\w.])-?(?:0|[1-9]\d{0,15})(?:\.\d+)?", asked)]
    words = re.findall(r"[\"'“]([^\"'”]+)[\"'”]", asked)
    found: JSONObject = {}
    for name in tool.parameters.get("required", ()):
        part = tool.parameters["properties"][name]
        supply = {"integer": numbers, "number": numbers, "string": words}.get(part.get("type"), [])
        found[name] = supply.pop(0) if supply else example(part, tool.parameters)[0]
    return found


def _usage(call: Call, turns: Sequence[Turn], text: str) -> Usage:
    said = sum(len(turn.content) for turn in turns if isinstance(turn, Message))
    return Usage(
        input_tokens=estimated_tokens(said + len(call.system_prompt or "")),
        output_tokens=estimated_tokens(len(text)),
    )
