"""What OpenAI (and Ollama, Groq and the many that speak like it) and Anthropic send back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True)
class Tokens:
    """The counts that an answer reports."""

    input: Any = 11
    output: Any = 7
    cached: Any = 0


@dataclass(frozen=True)
class Call:
    """A tool that an answer asks for."""

    name: str
    arguments: dict[str, Any] | str = field(default_factory=dict)
    id: str = "call_1"

    @property
    def text(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True)
class Spoken:
    """An answer before it is put into a protocol's words."""

    text: str
    usage: Tokens | dict[str, Any] | None
    finish: str | None
    calls: tuple[Call, ...]
    model: str


@dataclass
class Request:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    json: Any
    peer: int = 0
    """The client's port: which connection it came on."""
    closed_early: bool = False
    """Whether the client hung up before it had the whole answer."""

    @property
    def protocol(self) -> type[OpenAI] | type[Responses] | type[Anthropic]:
        path = self.path.partition("?")[0]
        if path.endswith("/messages"):
            return Anthropic
        return Responses if path.endswith("/responses") else OpenAI

    @property
    def stream(self) -> bool:
        return bool((self.json or {}).get("stream"))

    @property
    def prompt(self) -> str:
        """The last thing the user said."""
        content = self.json["messages" if "messages" in self.json else "input"][-1]["content"]
        return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def parse(method: str, path: str, headers: dict[str, str], body: bytes) -> Request:
    return Request(method, path, headers, body, json.loads(body) if body else None)


def words(text: str) -> list[str]:
    """The pieces in which a text is streamed."""
    return [word + " " for word in text.split(" ")[:-1]] + [text.split(" ")[-1]]


class OpenAI:
    """``POST /v1/chat/completions``"""

    @staticmethod
    def usage(tokens: Tokens | dict[str, Any] | None) -> Any:
        if not isinstance(tokens, Tokens):
            return tokens
        found: dict[str, Any] = {
            "prompt_tokens": tokens.input,
            "completion_tokens": tokens.output,
            "total_tokens": 0,
        }
        if tokens.cached:
            found["prompt_tokens_details"] = {"cached_tokens": tokens.cached}
        return found

    @classmethod
    def whole(cls, spoken: Spoken) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": spoken.text or None}
        if spoken.calls:
            message["tool_calls"] = [
                {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.text}}
                for c in spoken.calls
            ]
        found = cls._frame(spoken, "chat.completion")
        found["choices"] = [{"index": 0, "message": message, "finish_reason": spoken.finish}]
        if spoken.usage is not None:
            found["usage"] = cls.usage(spoken.usage)
        return found

    @classmethod
    def events(cls, spoken: Spoken) -> Iterator[bytes]:
        def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
            frame = cls._frame(spoken, "chat.completion.chunk")
            choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
            return _data({**frame, "choices": choices, **more})

        yield chunk({"role": "assistant", "content": ""})
        if spoken.text:
            yield from (chunk({"content": word}) for word in words(spoken.text))
        for index, call in enumerate(spoken.calls):
            function = {"name": call.name, "arguments": call.text}
            yield chunk(
                {"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]}
            )
        if spoken.finish is None:
            return
        yield chunk({}, spoken.finish)
        if spoken.usage is not None:
            yield chunk({}, choices=[], usage=cls.usage(spoken.usage))
        yield b"data: [DONE]\n\n"

    @staticmethod
    def _frame(spoken: Spoken, kind: str) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": spoken.model}


class Responses:
    """``POST /v1/responses``"""

    @staticmethod
    def usage(tokens: Tokens | dict[str, Any] | None) -> Any:
        if not isinstance(tokens, Tokens):
            return tokens
        return {
            "input_tokens": tokens.input,
            "input_tokens_details": {"cached_tokens": tokens.cached},
            "output_tokens": tokens.output,
            "total_tokens": 0,
        }

    @classmethod
    def whole(cls, spoken: Spoken) -> dict[str, Any]:
        return cls._response(spoken, [item for item, _ in cls._items(spoken)])

    @classmethod
    def events(cls, spoken: Spoken) -> Iterator[bytes]:
        yield _event("response.created", response=cls._response(spoken, []) | {"status": "in_progress"})
        items = cls._items(spoken)
        for index, (item, deltas) in enumerate(items):
            yield _event("response.output_item.added", output_index=index, item={**item, "arguments": ""})
            for kind, delta in deltas:
                yield _event(f"response.{kind}.delta", output_index=index, delta=delta)
            if spoken.finish is not None:
                yield _event("response.output_item.done", output_index=index, item=item)
        if spoken.finish is not None:
            response = cls._response(spoken, [item for item, _ in items])
            yield _event(f"response.{response['status']}", response=response)

    @staticmethod
    def _items(spoken: Spoken) -> list[tuple[dict[str, Any], list[tuple[str, str]]]]:
        found: list[tuple[dict[str, Any], list[tuple[str, str]]]] = []
        if spoken.calls:
            reasoning = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"}
            found.append((reasoning, []))
        if spoken.text:
            content = [{"type": "output_text", "text": spoken.text}]
            pieces = [("output_text", word) for word in words(spoken.text)]
            found.append(({"type": "message", "role": "assistant", "content": content}, pieces))
        for call in spoken.calls:
            item = {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.text}
            found.append((item, [("function_call_arguments", call.text)]))
        return found

    @classmethod
    def _response(cls, spoken: Spoken, output: list[dict[str, Any]]) -> dict[str, Any]:
        cut = spoken.finish == "length"
        return {
            "id": "resp_1",
            "object": "response",
            "status": "incomplete" if cut else "completed",
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "error": None,
            "model": spoken.model,
            "output": output,
            "usage": cls.usage(spoken.usage),
        }


class Anthropic:
    """``POST /v1/messages``"""

    _FINISH: ClassVar = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}

    @staticmethod
    def usage(tokens: Tokens | dict[str, Any] | None) -> Any:
        if not isinstance(tokens, Tokens):
            return tokens or {"input_tokens": 0, "output_tokens": 0}
        return {
            "input_tokens": tokens.input - tokens.cached,
            "output_tokens": tokens.output,
            "cache_read_input_tokens": tokens.cached,
        }

    @classmethod
    def _frame(cls, spoken: Spoken) -> dict[str, Any]:
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": spoken.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": cls.usage(spoken.usage),
        }

    @classmethod
    def whole(cls, spoken: Spoken) -> dict[str, Any]:
        content: list[dict[str, Any]] = [{"type": "text", "text": spoken.text}] if spoken.text else []
        content += [
            {"type": "tool_use", "id": c.id, "name": c.name, "input": json.loads(c.text)} for c in spoken.calls
        ]
        return {**cls._frame(spoken), "content": content, "stop_reason": cls._FINISH[spoken.finish or "stop"]}

    @classmethod
    def events(cls, spoken: Spoken) -> Iterator[bytes]:
        yield _event("message_start", message=cls._frame(spoken))
        blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
        if spoken.text:
            deltas = [{"type": "text_delta", "text": word} for word in words(spoken.text)]
            blocks.append(({"type": "text", "text": ""}, deltas))
        for call in spoken.calls:
            block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
            blocks.append((block, [{"type": "input_json_delta", "partial_json": call.text}]))
        for index, (block, deltas) in enumerate(blocks):
            yield _event("content_block_start", index=index, content_block=block)
            for delta in deltas:
                yield _event("content_block_delta", index=index, delta=delta)
            yield _event("content_block_stop", index=index)
        if spoken.finish is None:
            return
        stop = {"stop_reason": cls._FINISH[spoken.finish], "stop_sequence": None}
        output = cls.usage(spoken.usage)["output_tokens"]
        yield _event("message_delta", delta=stop, usage={"output_tokens": output})
        yield _event("message_stop")


def _data(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _event(kind: str, **values: Any) -> bytes:
    return f"event: {kind}\n".encode() + _data({"type": kind, **values})
