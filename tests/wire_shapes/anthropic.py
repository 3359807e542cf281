"""Anthropic's messages."""

from __future__ import annotations

import json
from typing import Any

from flask_aiagents.llm.outcome import Usage

from . import Shape, events

COUNTED = {"input_tokens": 10, "output_tokens": 5}
TEN_FIVE = Usage(input_tokens=10, output_tokens=5)
A = {"a": 1}
ADD = (("add", '{"a": 1}'),)


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def thinking(thought: str, signature: str = "s") -> dict[str, Any]:
    return {"type": "thinking", "thinking": thought, "signature": signature}


def use(input: Any, name: str = "add", id: str = "t1") -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": name, "input": input}


def whole(*blocks: dict[str, Any], stop: str | None = "end_turn", **more: Any) -> bytes:
    frame = {"id": "m", "type": "message", "role": "assistant", "model": "c", "usage": COUNTED}
    return json.dumps({**frame, "content": list(blocks), "stop_reason": stop, **more}).encode()


def start(**usage: Any) -> dict[str, Any]:
    message = {
        "type": "message",
        "role": "assistant",
        "content": [],
        "usage": usage or {"input_tokens": 10, "output_tokens": 1},
    }
    return {"type": "message_start", "message": message}


def block(index: int, begun: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    pieces = [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    return [
        {"type": "content_block_start", "index": index, "content_block": begun},
        *pieces,
        {"type": "content_block_stop", "index": index},
    ]


def said(*pieces: str) -> list[dict[str, Any]]:
    return [{"type": "text_delta", "text": piece} for piece in pieces]


def written(*pieces: str) -> list[dict[str, Any]]:
    return [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def stop(reason: str | None = "end_turn", **usage: Any) -> list[dict[str, Any]]:
    return [
        {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage or {"output_tokens": 5}},
        {"type": "message_stop"},
    ]


HI = block(0, text(""), *said("H", "i"))
ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}

SHAPES = [
    Shape("message", whole(text("Hi")), "Hi", usage=TEN_FIVE),
    Shape("message of two texts", whole(text("H"), text("i")), "Hi", usage=TEN_FIVE),
    Shape("message with nothing but content", b'{"content":[{"type":"text","text":"Hi"}]}', "Hi"),
    Shape("message of nothing", whole(), "", usage=TEN_FIVE),
    Shape("message with unknown blocks", whole({"type": "server_tool_use"}, text("Hi")), "Hi", usage=TEN_FIVE),
    Shape("message that was cut", whole(text("Hi"), stop="max_tokens"), "Hi", finish="length", usage=TEN_FIVE),
    Shape("message at a stop sequence", whole(text("Hi"), stop="stop_sequence"), "Hi", usage=TEN_FIVE),
    Shape("message of refusal", whole(text("No."), stop="refusal"), "No.", finish="refused", usage=TEN_FIVE),
    Shape("message with an unknown end", whole(text("Hi"), stop="pause_turn"), "Hi", finish="pause_turn", usage=TEN_FIVE),
    Shape("message with thinking", whole(thinking("hm"), text("Hi")), "Hi", "hm", usage=TEN_FIVE),
    Shape("message with redacted thinking", whole({"type": "redacted_thinking", "data": "x"}, text("Hi")), "Hi", usage=TEN_FIVE),
    Shape("message with think tags is taken by its word", whole(text("<think>a</think>")), "<think>a</think>", usage=TEN_FIVE),
    Shape("tool use", whole(use(A), stop="tool_use"), tools=ADD, finish="tool_call", usage=TEN_FIVE),
    Shape("tool use without input", whole(use(None)), tools=(("add", ""),), usage=TEN_FIVE),
    Shape("tool use of nothing", whole(use({})), tools=(("add", ""),), usage=TEN_FIVE),
    Shape("tool use twice with one id", whole(use(A), use(A)), tools=ADD * 2, usage=TEN_FIVE),
    Shape("stream", events(start(), *HI, *stop()), "Hi", usage=TEN_FIVE),
    Shape("stream without names", b"\n".join(line for line in events(start(), *HI, *stop()).split(b"\n") if not line.startswith(b"event")), "Hi", usage=TEN_FIVE),
    Shape("stream with pings", events(start(), {"type": "ping"}, *HI, {"type": "ping"}, *stop()), "Hi", usage=TEN_FIVE),
    Shape("stream with unknown events", events(start(), {"type": "news"}, *HI, *stop()), "Hi", usage=TEN_FIVE),
    Shape("stream with CRLF", events(start(), *HI, *stop()).replace(b"\n", b"\r\n"), "Hi", usage=TEN_FIVE),
    Shape("stream without message_stop", events(start(), *HI, *stop()[:1]), "Hi", usage=TEN_FIVE),
    Shape("stream with text in the block's start", events(start(), *block(0, text("Hi")), *stop()), "Hi", usage=TEN_FIVE),
    Shape("stream whose block was never begun", events(start(), *HI[1:], *stop()), "Hi", usage=TEN_FIVE),
    Shape("stream with a pair in two pieces", events(start(), *block(0, text(""), *said("\ud83d", "\ude00")), *stop()), "\U0001f600", usage=TEN_FIVE),
    Shape("stream that was cut", events(start(), *HI, *stop("max_tokens")), "Hi", finish="length", usage=TEN_FIVE),
    Shape("stream of refusal", events(start(), *HI, *stop("refusal")), "Hi", finish="refused", usage=TEN_FIVE),
    Shape("stream with thinking", events(start(), *block(0, thinking("", ""), {"type": "thinking_delta", "thinking": "h"}, {"type": "thinking_delta", "thinking": "m"}, {"type": "signature_delta", "signature": "s"}), *block(1, text(""), *said("Hi")), *stop()), "Hi", "hm", usage=TEN_FIVE),
    Shape("stream of tool use", events(start(), *block(0, use({}), *written("", '{"a"', ": 1}")), *stop("tool_use")), tools=ADD, finish="tool_call", usage=TEN_FIVE),
    Shape("stream of tool use with its input at once", events(start(), *block(0, use(A)), *stop("tool_use")), tools=ADD, finish="tool_call", usage=TEN_FIVE),
    Shape("stream of tool use without input", events(start(), *block(0, use({})), *stop("tool_use")), tools=(("add", ""),), finish="tool_call", usage=TEN_FIVE),
    Shape("stream of two uses", events(start(), *block(0, use({}), *written('{"a": 1}')), *block(1, use({}, "sub", "t2"), *written("{}")), *stop("tool_use")), tools=(*ADD, ("sub", "{}")), finish="tool_call", usage=TEN_FIVE),
    Shape("stream with usage at its end alone", events(start(input_tokens=0), *HI, *stop(input_tokens=10, output_tokens=5)), "Hi", usage=TEN_FIVE),
    Shape("stream with zeros behind counts", events(start(), *HI, *stop(input_tokens=0, output_tokens=5)), "Hi", usage=TEN_FIVE),
    Shape("cache reads and writes", whole(text("Hi"), usage={**COUNTED, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 4}), "Hi", usage=Usage(input_tokens=17, output_tokens=5, cached_tokens=3, cache_write_tokens=4)),
    Shape("cache writes for an hour", whole(text("Hi"), usage={**COUNTED, "cache_creation_input_tokens": 4, "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 3}}), "Hi", usage=Usage(input_tokens=14, output_tokens=5, cache_write_tokens=4, cache_write_1h_tokens=3)),
    Shape("null counts", whole(text("Hi"), usage={**COUNTED, "cache_read_input_tokens": None, "cache_creation": None}), "Hi", usage=TEN_FIVE),
    Shape("batch", whole(text("Hi"), usage={**COUNTED, "service_tier": "batch"}), "Hi", usage=Usage(input_tokens=10, output_tokens=5, service_tier="batch")),
    Shape("standard", whole(text("Hi"), usage={**COUNTED, "service_tier": "standard"}), "Hi", usage=TEN_FIVE),
    Shape("usage that cannot be true", whole(text("Hi"), usage={"input_tokens": -1, "output_tokens": 5}), "Hi"),
    Shape("usage of nonsense", whole(text("Hi"), usage="many"), "Hi"),
    Shape("error", json.dumps(ERROR).encode(), error="upstream"),
    Shape("error of the rate", b'{"type": "error", "error": {"type": "rate_limit_error"}}', error="rate_limited"),
    Shape("streamed error first", events(ERROR), error="upstream"),
    Shape("streamed error midway", events(start(), *HI, ERROR), "Hi", error="upstream", usage=Usage(input_tokens=10, output_tokens=1)),
    Shape("stream that stops", events(start(), *HI), "Hi", error="incomplete", usage=Usage(input_tokens=10, output_tokens=1)),
    Shape("no content", b'{"type": "message"}', error="invalid_response"),
    Shape("content of text", b'{"type": "message", "content": "Hi"}', error="invalid_response"),
    Shape("too many blocks", events(start(), *(HI[0] | {"index": n} for n in range(1_200))), error="too_large", usage=Usage(input_tokens=10, output_tokens=1)),
]  # fmt: skip
