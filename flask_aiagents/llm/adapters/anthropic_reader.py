"""Read answers of Anthropic's messages."""

from __future__ import annotations

from typing import Any

from ...types import JSON, JSONObject
from ..failures import Failure, from_error_object, invalid_response
from .draft import Draft
from .fields import arguments, mapping, objects, text, whole
from .requests import tool_use
from .usage import anthropic_usage

MAX_BLOCKS = 1_000
"""Most blocks of one message."""


class _Block:
    """One block of a message while it is read."""

    def __init__(self, start: JSONObject) -> None:
        self.start = start
        self.kind = text(start.get("type"))
        self.pieces: list[str] = []
        self.signature: list[str] = []

    def made(self) -> JSONObject | None:
        """Return the block as it is handed back; None for a tool call, and for kinds that nobody asked for."""
        written = "".join(self.pieces)
        match self.kind:
            case "text" if written:
                return {"type": "text", "text": written}
            case "thinking":
                return {"type": "thinking", "thinking": written, "signature": "".join(self.signature)}
            case "redacted_thinking":
                return self.start
            case _:
                return None


class MessagesReader:
    """Fills a draft from a message or the events of its stream."""

    def __init__(self) -> None:
        self.draft = Draft()
        self._blocks: dict[Any, _Block] = {}
        self._usage: JSONObject = {}

    def whole(self, answer: Any) -> None:
        """Take a message."""
        answer = mapping(answer)
        self._error(answer)
        self._count(answer.get("usage"))
        if not isinstance(answer.get("content"), list):
            raise invalid_response()
        for index, block in enumerate(objects(answer["content"], MAX_BLOCKS)):
            self._begin(index, block)
        self.draft.end(answer.get("stop_reason"))
        self.draft.done = True

    def event(self, name: str, value: Any) -> None:
        """Take an event; unknown kinds mean nothing to us."""
        event = mapping(value)
        self._error(event)
        match event.get("type") or name:
            case "message_start":
                self._count(mapping(event.get("message")).get("usage"))
            case "content_block_start":
                self._begin(_index(event), mapping(event.get("content_block")))
            case "content_block_delta":
                self._continue(_index(event), mapping(event.get("delta")))
            case "message_delta":
                self._count(event.get("usage"))
                self.draft.end(mapping(event.get("delta")).get("stop_reason"))
            case "message_stop":
                self.draft.done = True
            case "error":
                raise from_error_object(event)
            case _:
                pass

    def raw(self) -> JSON:
        """Return the blocks as the next round wants them back, tool calls behind all others."""
        return [
            *(made for block in self._blocks.values() if (made := block.made()) is not None),
            *(tool_use(request) for request in self.draft.tool_requests.finish()),
        ]

    def _begin(self, index: Any, start: JSONObject) -> None:
        if len(self._blocks) == MAX_BLOCKS:
            raise Failure(error="too_large", did=f"answered more than {MAX_BLOCKS} blocks")
        block = self._blocks[index] = _Block(start)
        match block.kind:
            case "text":
                self._write(block, text(start.get("text")))
            case "thinking":
                self._write(block, text(start.get("thinking")))
                block.signature.append(text(start.get("signature")))
            case "tool_use":
                given = "" if start.get("input") == {} else arguments(start.get("input"))
                self.draft.tool_requests.add(whole(index), text(start.get("id")), text(start.get("name")), given)
            case _:
                pass

    def _continue(self, index: Any, delta: JSONObject) -> None:
        kind = delta.get("type")
        block = self._blocks.get(index)
        if block is None:  # a block that was never begun is begun by its first piece
            self._begin(index, {"type": "thinking" if kind == "thinking_delta" else "text"})
            block = self._blocks[index]
        match kind:
            case "text_delta":
                self._write(block, text(delta.get("text")))
            case "thinking_delta":
                self._write(block, text(delta.get("thinking")))
            case "signature_delta":
                block.signature.append(text(delta.get("signature")))
            case "input_json_delta":
                self.draft.tool_requests.add(whole(index), "", "", arguments(delta.get("partial_json")))
            case _:
                pass

    def _write(self, block: _Block, piece: str) -> None:
        block.pieces.append(piece)
        (self.draft.add_thinking if block.kind == "thinking" else self.draft.add_text)(piece)

    def _count(self, report: Any) -> None:
        """Take a report; counts only ever grow, and a report may leave out what an earlier one said."""
        for name, told in mapping(report).items():
            known = whole(self._usage.get(name))
            count = whole(told)
            if told is not None and (known is None or count is None or count > known):
                self._usage[name] = told
        self.draft.usage = anthropic_usage(self._usage)

    def _error(self, answer: JSONObject) -> None:
        if answer.get("error"):
            raise from_error_object(answer["error"])


def _index(event: JSONObject) -> int | None:
    return whole(event.get("index"))
