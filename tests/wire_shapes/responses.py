"""OpenAI's responses."""

from __future__ import annotations

import json
from typing import Any

from flask_aiagents.llm.outcome import Usage

from . import Shape, events

COUNTED = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
TEN_FIVE = Usage(input_tokens=10, output_tokens=5)
A = '{"a": 1}'
ADD = (("add", A),)


def message(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": list(parts)}


def said(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


def call(arguments: Any = A, name: str = "add", call_id: str | None = "c1") -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": "f" + str(call_id),
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }


def reasoning(*summaries: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "reasoning",
        "id": "r",
        "summary": [{"type": "summary_text", "text": text} for text in summaries],
        **more,
    }


def response(*items: dict[str, Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    return {
        "id": "r",
        "object": "response",
        "status": status,
        "error": None,
        "output": list(items),
        "usage": COUNTED,
        **more,
    }


def whole(*items: dict[str, Any], **more: Any) -> bytes:
    return json.dumps(response(*items, **more)).encode()


def at(kind: str, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "output_index": index, **more}


def texts(*pieces: str, index: int = 0) -> list[dict[str, Any]]:
    done = at("output_item.done", index, item=message(said("".join(pieces))))
    added = at("output_item.added", index, item=message())
    return [added, *(at("output_text.delta", index, delta=piece) for piece in pieces), done]


def arguments(*pieces: str, index: int = 0, **named: Any) -> list[dict[str, Any]]:
    added = at("output_item.added", index, item=call("", **named))
    done = at("output_item.done", index, item=call("".join(pieces), **named))
    return [added, *(at("function_call_arguments.delta", index, delta=piece) for piece in pieces), done]


CREATED = {"type": "response.created", "response": {"status": "in_progress", "output": [], "usage": None}}
DONE = {"type": "response.completed", "response": response(message(said("Hi")))}
CALLED = {"type": "response.completed", "response": response(call())}

SHAPES = [
    Shape("response", whole(message(said("Hi"))), "Hi", usage=TEN_FIVE),
    Shape("response of two parts", whole(message(said("H"), said("i"))), "Hi", usage=TEN_FIVE),
    Shape("response of two messages", whole(message(said("H")), message(said("i"))), "Hi", usage=TEN_FIVE),
    Shape("response with nothing but output", json.dumps({"output": [message(said("Hi"))]}).encode(), "Hi"),
    Shape("response of nothing", whole(), "", usage=TEN_FIVE),
    Shape("response with items of other kinds", whole({"type": "web_search_call"}, message(said("Hi"))), "Hi", usage=TEN_FIVE),
    Shape("response that was cut", whole(message(said("Hi")), status="incomplete", incomplete_details={"reason": "max_output_tokens"}), "Hi", finish="length", usage=TEN_FIVE),
    Shape("response that was filtered", whole(status="incomplete", incomplete_details={"reason": "content_filter"}), "", finish="content_filter", usage=TEN_FIVE),
    Shape("response that is incomplete without a word", whole(message(said("Hi")), status="incomplete"), "Hi", finish="incomplete", usage=TEN_FIVE),
    Shape("response of refusal", whole(message({"type": "refusal", "refusal": "No."})), "No.", finish="refused", usage=TEN_FIVE),
    Shape("response with a summary of its reasoning", whole(reasoning("h", "m"), message(said("Hi"))), "Hi", "hm", usage=TEN_FIVE),
    Shape("response with its reasoning", whole(reasoning(content=[{"type": "reasoning_text", "text": "hm"}]), message(said("Hi"))), "Hi", "hm", usage=TEN_FIVE),
    Shape("response with encrypted reasoning", whole(reasoning(encrypted_content="x"), message(said("Hi"))), "Hi", usage=TEN_FIVE),
    Shape("call", whole(call()), tools=ADD, finish="tool_call", usage=TEN_FIVE),
    Shape("two calls", whole(call(), call("{}", "sub", "c2")), tools=(*ADD, ("sub", "{}")), finish="tool_call", usage=TEN_FIVE),
    Shape("call without call_id", whole(call(call_id=None)), tools=ADD, finish="tool_call", usage=TEN_FIVE),
    Shape("call with an object", whole(call({"a": 1})), tools=ADD, finish="tool_call", usage=TEN_FIVE),
    Shape("text and a call", whole(message(said("Hi")), call()), "Hi", tools=ADD, finish="tool_call", usage=TEN_FIVE),
    Shape("stream", events(CREATED, *texts("H", "i"), DONE), "Hi", usage=TEN_FIVE),
    Shape("stream without names", b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in (CREATED, *texts("H", "i"), DONE)), "Hi", usage=TEN_FIVE),
    Shape("stream without deltas", events(CREATED, at("output_item.done", item=message(said("Hi"))), DONE), "Hi", usage=TEN_FIVE),
    Shape("stream with unknown events", events(CREATED, at("web_search_call.searching"), *texts("Hi"), DONE), "Hi", usage=TEN_FIVE),
    Shape("stream of refusal", events(at("refusal.delta", delta="N"), at("refusal.delta", delta="o."), DONE), "No.", finish="refused", usage=TEN_FIVE),
    Shape("stream with a summary", events(at("reasoning_summary_text.delta", delta="h"), at("reasoning_summary_text.delta", delta="m"), at("output_item.done", item=reasoning("hm")), *texts("Hi", index=1), DONE), "Hi", "hm", usage=TEN_FIVE),
    Shape("stream with a pair in two pieces", events(*texts("\ud83d", "\ude00"), DONE), "\U0001f600", usage=TEN_FIVE),
    Shape("stream of a call", events(*arguments('{"a"', ": 1}"), CALLED), tools=ADD, finish="tool_call", usage=TEN_FIVE),
    Shape("stream of a call without deltas", events(at("output_item.done", item=call()), CALLED), tools=ADD, finish="tool_call", usage=TEN_FIVE),
    Shape("stream of interleaved calls", events(*(event for pair in zip(arguments('{"a"', ": 1}"), arguments("{", "}", index=1, name="sub", call_id="c2"), strict=True) for event in pair), CALLED), tools=(*ADD, ("sub", "{}")), finish="tool_call", usage=TEN_FIVE),
    Shape("stream that was cut", events(*texts("Hi"), {"type": "response.incomplete", "response": response(status="incomplete", incomplete_details={"reason": "max_output_tokens"})}), "Hi", finish="length", usage=TEN_FIVE),
    Shape("cached tokens and reasoning", whole(message(said("Hi")), usage={**COUNTED, "input_tokens_details": {"cached_tokens": 4}, "output_tokens_details": {"reasoning_tokens": 3}}), "Hi", usage=Usage(input_tokens=10, output_tokens=5, cached_tokens=4, reasoning_tokens=3)),
    Shape("a service tier", whole(message(said("Hi")), service_tier="priority"), "Hi", usage=Usage(input_tokens=10, output_tokens=5, service_tier="priority")),
    Shape("failed", whole(status="failed", error={"code": "rate_limit_exceeded", "message": "slow"}), error="rate_limited", usage=TEN_FIVE),
    Shape("failed without a word", whole(status="failed"), error="upstream", usage=TEN_FIVE),
    Shape("error", b'{"error": {"type": "server_error"}}', error="upstream"),
    Shape("streamed error", events({"type": "error", "code": "rate_limit_exceeded", "message": "slow"}), error="rate_limited"),
    Shape("streamed failure", events(*texts("Hi"), {"type": "response.failed", "response": response(status="failed", error={"code": "server_error"})}), "Hi", error="upstream", usage=TEN_FIVE),
    Shape("stream that stops", events(CREATED, *texts("Hi")), "Hi", error="incomplete"),
    Shape("no output", b'{"object": "response"}', error="invalid_response"),
    Shape("output of text", b'{"output": "Hi"}', error="invalid_response"),
]  # fmt: skip
