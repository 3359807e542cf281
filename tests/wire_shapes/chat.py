"""OpenAI's chat completions, and what is said in its name."""

from __future__ import annotations

import json
from typing import Any

from flask_aiagents.llm.outcome import Usage

from . import Shape, data

COUNTED = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
TEN_FIVE = Usage(input_tokens=10, output_tokens=5)


def whole(message: Any = None, finish: Any = "stop", **more: Any) -> bytes:
    message = {"role": "assistant", "content": "Hi"} if message is None else message
    frame = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": COUNTED}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return json.dumps({**frame, "choices": [choice], **more}).encode()


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    frame = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def said(*pieces: str) -> list[dict[str, Any]]:
    return [chunk({"content": piece}) for piece in pieces]


STOP = chunk({}, "stop")
CALLED = chunk({}, "tool_calls")
LAST = chunk({}, choices=[], usage=COUNTED)
HI = said("H", "i")


def call(arguments: Any, name: str | None = "add", **more: Any) -> dict[str, Any]:
    function = {"arguments": arguments} | ({} if name is None else {"name": name})
    return {"function": function, **more}


def calling(*calls: dict[str, Any]) -> dict[str, Any]:
    return chunk({"tool_calls": list(calls)})


def counted(report: Any) -> bytes:
    return whole(usage=report)


ADD = (("add", '{"a": 1}'),)
TWO = (("add", '{"a": 1}'), ("sub", '{"b": 2}'))
A, B = '{"a": 1}', '{"b": 2}'

PLAIN = [
    Shape("whole", whole(), "Hi", usage=TEN_FIVE),
    Shape("whole without usage", whole(usage=None), "Hi"),
    Shape("whole with nothing but choices", b'{"choices":[{"message":{"content":"Hi"}}]}', "Hi"),
    Shape("whole without a finish reason", whole(finish=None), "Hi", usage=TEN_FIVE),
    Shape("whole with a BOM", b"\xef\xbb\xbf" + whole(), "Hi", usage=TEN_FIVE),
    Shape("whole with blanks around it", b" \r\n" + whole() + b"\n\n", "Hi", usage=TEN_FIVE),
    Shape("whole with null content", whole({"content": None}), "", usage=TEN_FIVE),
    Shape("whole with no content", whole({"role": "assistant"}), "", usage=TEN_FIVE),
    Shape("whole with parts", whole({"content": [{"type": "text", "text": "H"}, {"text": "i"}]}), "Hi", usage=TEN_FIVE),
    Shape("whole in an array", b"[" + whole() + b"]", "Hi", usage=TEN_FIVE),
    Shape("whole of an old completion", b'{"choices":[{"text":"Hi","finish_reason":"stop"}]}', "Hi"),
    Shape("whole with choices of which the first counts", json.dumps({"choices": [{"message": {"content": t}} for t in ("Hi", "No")]}).encode(), "Hi"),
    Shape("whole with invalid UTF-8", whole().replace(b"Hi", b"H\xff"), "H\ufffd", usage=TEN_FIVE),
    Shape("whole with half a pair", whole({"content": "a\ud83d b\x00"}), "a\ufffd b", usage=TEN_FIVE),
    Shape("stream", data(*HI, STOP, LAST), "Hi", usage=TEN_FIVE),
    Shape("stream without a mark of its end", data(*HI, STOP, LAST, end=False), "Hi", usage=TEN_FIVE),
    Shape("stream without a finish reason", data(*HI), "Hi"),
    Shape("stream with usage beside the finish", data(*HI, {**STOP, "usage": COUNTED}), "Hi", usage=TEN_FIVE),
    Shape("stream with usage twice", data(*HI, {**STOP, "usage": COUNTED}, LAST), "Hi", usage=TEN_FIVE),
    Shape("stream with running totals", data(*({**part, "usage": {**COUNTED, "completion_tokens": n, "total_tokens": 10 + n}} for n, part in enumerate(HI)), STOP, LAST), "Hi", usage=TEN_FIVE),
    Shape("stream with null usage behind usage", data(*HI, {**STOP, "usage": COUNTED}, {**LAST, "usage": None}), "Hi", usage=TEN_FIVE),
    Shape("stream with usage of zeros behind usage", data(*HI, LAST, {**STOP, "usage": dict.fromkeys(COUNTED, 0)}), "Hi", usage=TEN_FIVE),
    Shape("stream with usage in x_groq", data(*HI, {**STOP, "x_groq": {"usage": COUNTED}}), "Hi", usage=TEN_FIVE),
    Shape("stream with usage in the choice", data(*HI, {"choices": [{"delta": {}, "finish_reason": "stop", "usage": COUNTED}]}), "Hi", usage=TEN_FIVE),
    Shape("stream with null choices", data({"choices": None}, *HI, STOP), "Hi"),
    Shape("stream with empty choices first", data({"choices": [], "prompt_filter_results": [{}]}, *HI, STOP), "Hi"),
    Shape("stream with null deltas", data(chunk({"content": None}), {"choices": [{"delta": None}]}, *HI, STOP), "Hi"),
    Shape("stream with messages in place of deltas", data({"choices": [{"message": {"content": "Hi"}}]}, STOP), "Hi"),
    Shape("stream with a second choice", data(*HI, {"choices": [{"index": 1, "delta": {"content": "No"}}]}, STOP), "Hi"),
    Shape("stream without index", data({"choices": [{"delta": {"content": "Hi"}}]}, {"choices": [{"delta": {}, "finish_reason": "stop"}]}), "Hi"),
    Shape("stream with CRLF", data(*HI, STOP, LAST).replace(b"\n", b"\r\n"), "Hi", usage=TEN_FIVE),
    Shape("stream with CR", data(*HI, STOP, LAST).replace(b"\n", b"\r"), "Hi", usage=TEN_FIVE),
    Shape("stream without blanks", data(*HI, STOP, LAST).replace(b"data: ", b"data:"), "Hi", usage=TEN_FIVE),
    Shape("stream with comments", b": OPENROUTER PROCESSING\n\n" + data(*HI, STOP).replace(b"\n\n", b"\n:\n\n"), "Hi"),
    Shape("stream with ids and retry", b"retry: 10\nid: 1\n" + data(*HI, STOP), "Hi"),
    Shape("stream with data over lines", b'data: {"choices":\ndata: [{"delta":{"content":"Hi"},\ndata: "finish_reason":"stop"}]}\n\n', "Hi"),
    Shape("stream whose last event has no blank line", data(*HI, STOP, LAST, end=False).rstrip(b"\n"), "Hi", usage=TEN_FIVE),
    Shape("stream with a BOM", b"\xef\xbb\xbf" + data(*HI, STOP), "Hi"),
    Shape("stream with text behind its end", data(*HI, STOP) + data(*HI), "Hi"),
    Shape("stream of code points", data(*said("gr\u00fc\u00df", " \U0001f600"), STOP).replace(b"\\u00fc", "\u00fc".encode()), "gr\u00fc\u00df \U0001f600"),
    Shape("stream with a pair in two chunks", data(*said("\ud83d", "\ude00"), STOP), "\U0001f600"),
    Shape("stream with half a pair at its end", data(*said("a\ud83d"), STOP), "a\ufffd"),
    Shape("stream with half a pair within", data(*said("\ud83d", "b"), STOP), "\ufffdb"),
]  # fmt: skip

TOOLS = [
    Shape("call", whole({"tool_calls": [call(A, id="1", type="function")]}, "tool_calls"), tools=ADD, finish="tool_call", usage=TEN_FIVE),
    Shape("call without type and id", whole({"tool_calls": [call(A)]}, "tool_calls"), tools=ADD, finish="tool_call", usage=TEN_FIVE),
    Shape("call that ends as stop", whole({"tool_calls": [call(A)]}, "stop"), tools=ADD, usage=TEN_FIVE),
    Shape("call without a finish reason", whole({"tool_calls": [call(A)]}, None), tools=ADD, finish="tool_call", usage=TEN_FIVE),
    Shape("call with arguments as an object", whole({"tool_calls": [call({"a": 1})]}), tools=ADD, usage=TEN_FIVE),
    Shape("call with null arguments", whole({"tool_calls": [call(None)]}), tools=(("add", ""),), usage=TEN_FIVE),
    Shape("call with blank arguments", whole({"tool_calls": [call("  ")]}), tools=(("add", "  "),), usage=TEN_FIVE),
    Shape("call without function around it", whole({"tool_calls": [{"name": "add", "arguments": A}]}), tools=ADD, usage=TEN_FIVE),
    Shape("function call of old", whole({"function_call": {"name": "add", "arguments": A}}, "function_call"), tools=ADD, finish="tool_call", usage=TEN_FIVE),
    Shape("two calls with one id", whole({"tool_calls": [call(A, id="x"), call(B, "sub", id="x")]}), tools=TWO, usage=TEN_FIVE),
    Shape("two calls under one index", whole({"tool_calls": [call(A, index=0), call(B, "sub", index=0)]}), tools=TWO, usage=TEN_FIVE),
    Shape("two equal calls", whole({"tool_calls": [call(A), call(A)]}), tools=ADD * 2, usage=TEN_FIVE),
    Shape("null calls beside text", whole({"content": "Hi", "tool_calls": None}), "Hi", usage=TEN_FIVE),
    Shape("text and a call", whole({"content": "Hi", "tool_calls": [call(A)]}, "tool_calls"), "Hi", tools=ADD, finish="tool_call", usage=TEN_FIVE),
    Shape("streamed call", data(calling(call("", index=0, id="1")), calling(call('{"a"', None, index=0)), calling(call(": 1}", None, index=0)), CALLED), tools=ADD, finish="tool_call"),
    Shape("streamed call, whole", data(calling(call(A, index=0, id="1")), CALLED), tools=ADD, finish="tool_call"),
    Shape("streamed call without index and id", data(calling(call('{"a"')), calling(call(": 1}", None)), CALLED), tools=ADD, finish="tool_call"),
    Shape("streamed call with name and id in each piece", data(calling(call('{"a"', index=0, id="1")), calling(call(": 1}", index=0, id="1")), CALLED), tools=ADD, finish="tool_call"),
    Shape("streamed call with its name in each piece", data(calling(call('{"a"', index=0)), calling(call(": 1}", index=0)), CALLED), tools=ADD, finish="tool_call"),
    Shape("streamed call with its name in pieces", data(calling(call("", "a", index=0)), calling(call(A, "dd", index=0)), CALLED), tools=ADD, finish="tool_call"),
    Shape("streamed call with id behind", data(calling(call('{"a"', index=0)), calling(call(": 1}", None, index=0, id="1")), CALLED), tools=ADD, finish="tool_call"),
    Shape("streamed calls one after the other", data(calling(call(A, index=0, id="1")), calling(call(B, "sub", index=1, id="2")), CALLED), tools=TWO, finish="tool_call"),
    Shape("streamed calls interleaved", data(calling(call('{"a"', index=0, id="1"), call('{"b"', "sub", index=1, id="2")), calling(call(": 2}", None, index=1)), calling(call(": 1}", None, index=0)), CALLED), tools=TWO, finish="tool_call"),
    Shape("streamed calls under one index with ids", data(calling(call(A, index=0, id="1")), calling(call(B, "sub", index=0, id="2")), CALLED), tools=TWO, finish="tool_call"),
    Shape("streamed calls under one index, interleaved", data(calling(call('{"a"', index=0, id="1")), calling(call('{"b"', "sub", index=0, id="2")), calling(call(": 1}", None, index=0, id="1")), calling(call(": 2}", None, index=0, id="2")), CALLED), tools=TWO, finish="tool_call"),
    Shape("streamed calls under one index with names", data(calling(call(A, index=0)), calling(call(B, "sub", index=0)), CALLED), tools=TWO, finish="tool_call"),
    Shape("streamed calls without index, with ids", data(calling(call('{"a"', id="1")), calling(call(": 1}", None, id="1")), calling(call(B, "sub", id="2")), CALLED), tools=TWO, finish="tool_call"),
    Shape("streamed calls without index and ids", data(calling(call(A)), calling(call(B, "sub")), CALLED), tools=TWO, finish="tool_call"),
    Shape("streamed calls with one id", data(calling(call(A, index=0, id="x")), calling(call(B, "sub", index=1, id="x")), CALLED), tools=TWO, finish="tool_call"),
    Shape("streamed call with an object", data(calling(call({"a": 1}, index=0)), CALLED), tools=ADD, finish="tool_call"),
    Shape("streamed call without arguments", data(calling({"function": {"name": "add"}, "index": 0}), CALLED), tools=(("add", ""),), finish="tool_call"),
    Shape("streamed function call of old", data(chunk({"function_call": {"name": "add", "arguments": ""}}), chunk({"function_call": {"arguments": A}}), chunk({}, "function_call")), tools=ADD, finish="tool_call"),
    Shape("streamed text and then a call", data(*HI, calling(call(A, index=0)), CALLED), "Hi", tools=ADD, finish="tool_call"),
]  # fmt: skip


def thought(*pieces: str) -> bytes:
    return data(*said(*pieces), STOP)


THINKING = [
    Shape("think tags", whole({"content": "<think>hm</think>Hi"}), "Hi", "hm", usage=TEN_FIVE),
    Shape("think tags on lines", whole({"content": "\n<think>\nhm\n</think>\n\nHi"}), "Hi", "\nhm\n", usage=TEN_FIVE),
    Shape("think tags twice", whole({"content": "<think>a</think> <think>b</think>Hi"}), "Hi", "ab", usage=TEN_FIVE),
    Shape("think tags of nothing", whole({"content": "<think>\n\n</think>\n\nHi"}), "Hi", "\n\n", usage=TEN_FIVE),
    Shape("a think tag that stays open", whole({"content": "<think>hm"}, "length"), "", "hm", finish="length", usage=TEN_FIVE),
    Shape("a think tag within an answer", whole({"content": "Use <think>x</think>."}), "Use <think>x</think>.", usage=TEN_FIVE),
    Shape("half a tag as the answer", whole({"content": "<thi"}), "<thi", usage=TEN_FIVE),
    Shape("blanks as the answer", whole({"content": " \n"}), " \n", usage=TEN_FIVE),
    Shape("reasoning_content", whole({"content": "Hi", "reasoning_content": "hm"}), "Hi", "hm", usage=TEN_FIVE),
    Shape("reasoning", whole({"content": "Hi", "reasoning": "hm"}), "Hi", "hm", usage=TEN_FIVE),
    Shape("reasoning under two names", whole({"content": "Hi", "reasoning": "hm", "reasoning_content": "hm"}), "Hi", "hm", usage=TEN_FIVE),
    Shape("reasoning_details", whole({"content": "Hi", "reasoning_details": [{"type": "reasoning.text", "text": "h"}, {"summary": "m"}]}), "Hi", "hm", usage=TEN_FIVE),
    Shape("thinking parts", whole({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "Hi"}]}), "Hi", "hm", usage=TEN_FIVE),
    Shape("thinking parts of text", whole({"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hi"}]}), "Hi", "hm", usage=TEN_FIVE),
    Shape("streamed think tags alone", thought("<think>", "hm", "</think>", "Hi"), "Hi", "hm"),
    Shape("streamed think tags in pieces", thought("<", "thi", "nk>h", "m</", "think", ">\n", "\nHi"), "Hi", "hm"),
    Shape("streamed think tags with text behind", thought("<think>hm", "</think>\n\nH", "i"), "Hi", "hm"),
    Shape("streamed letters that are no tag", thought("<", "b>"), "<b>"),
    Shape("streamed thoughts with brackets", thought("<think>a</b", " </", "p></think>Hi"), "Hi", "a</b </p>"),
    Shape("streamed thought that stays open", data(*said("<think>h", "m</"), chunk({}, "length")), "", "hm</", finish="length"),
    Shape("streamed reasoning_content", data(chunk({"reasoning_content": "h"}), chunk({"reasoning_content": "m"}), *HI, STOP), "Hi", "hm"),
    Shape("streamed reasoning", data(chunk({"reasoning": "hm", "content": ""}), *HI, STOP), "Hi", "hm"),
    Shape("streamed halves of a thought", data(chunk({"reasoning": "\ud83d"}), chunk({"reasoning": "\ude00"}), *HI, STOP), "Hi", "\U0001f600"),
]  # fmt: skip

ENDS = [
    *(
        Shape(f"ends as {told}", whole(finish=told), "Hi", finish=ours, usage=TEN_FIVE)
        for told, ours in (
            ("length", "length"),
            ("max_tokens", "length"),
            ("model_length", "length"),
            ("content_filter", "content_filter"),
            ("end_turn", "stop"),
            ("STOP", "stop"),
            ("eos", "stop"),
            ("insufficient_system_resource", "insufficient_system_resource"),
            ("a\x00b", "ab"),
            ("c" * 100, "other"),
        )
    ),
    Shape("streamed unknown end", data(*HI, chunk({}, "moderated")), "Hi", finish="moderated"),
    Shape("refusal", whole({"content": None, "refusal": "No."}), "No.", finish="refused", usage=TEN_FIVE),
    Shape("refusal as a part", whole({"content": [{"type": "refusal", "refusal": "No."}]}), "No.", finish="refused", usage=TEN_FIVE),
    Shape("streamed refusal", data(chunk({"refusal": "N"}), chunk({"refusal": "o."}), STOP), "No.", finish="refused"),
    Shape("null refusal", whole({"content": "Hi", "refusal": None}), "Hi", usage=TEN_FIVE),
]  # fmt: skip

ERRORS = [
    Shape("error in place of an answer", b'{"error": {"code": 429, "message": "slow"}}', error="rate_limited"),
    Shape("error with its code as text", b'{"error": {"code": "502"}}', error="upstream"),
    Shape("error of a type", b'{"error": {"type": "rate_limit_error"}}', error="rate_limited"),
    Shape("error with a status of Google's, in an array", b'[{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}]', error="rate_limited"),
    Shape("error of vLLM", b'{"object": "error", "message": "no", "code": 401}', error="authentication"),
    Shape("error of a kind nobody knows", b'{"error": "no"}', error="upstream"),
    Shape("error beside choices", whole(error={"code": 503}), error="upstream", usage=TEN_FIVE),
    Shape("error in a choice", whole(finish="error"), "Hi", error="upstream", usage=TEN_FIVE),
    Shape("streamed error", data({"error": {"code": 429}}), error="rate_limited"),
    Shape("streamed error event", b'event: error\ndata: {"code": 429}\n\n', error="rate_limited"),
    Shape("streamed error behind text", data(*HI, {"error": {"code": 502}}), "Hi", error="upstream"),
    Shape("streamed finish as error", data(*HI, chunk({}, "error")), "Hi", error="upstream"),
    Shape("stream that stops", data(*HI, end=False), "Hi", error="incomplete"),
    Shape("stream of nothing", b": hello\n\n", error="invalid_response"),
    Shape("stream of nonsense", b"data: {nonsense\n\n", error="invalid_response"),
    Shape("stream with nonsense within", data(*HI, "{", STOP), "Hi", error="invalid_response"),
    Shape("nothing", b"", error="invalid_response"),
    Shape("blanks", b" \n ", error="invalid_response"),
    Shape("HTML", b"<html>Bad gateway</html>", error="invalid_response"),
    Shape("an empty object", b"{}", error="invalid_response"),
    Shape("no choices", b'{"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}', error="invalid_response", usage=TEN_FIVE),
    Shape("a message that is a number", b'{"choices": [{"message": 7}]}', error="invalid_response"),
    Shape("JSON that is cut", whole()[:-9], error="invalid_response"),
    Shape("too deep", b"[" * 100_000, error="invalid_response"),
    Shape("too many choices", b'{"choices":[' + b"{}," * 300_000 + b"{}]}", error="too_large"),
    Shape("too many calls", json.dumps({"choices": [{"message": {"tool_calls": [call(A)] * 9_000}}]}).encode(), error="tool_limit"),
    Shape("too many streamed calls", data(*(calling(call(A, index=n)) for n in range(300))), error="tool_limit"),
]  # fmt: skip

USAGE = [
    Shape("cached tokens", counted({**COUNTED, "prompt_tokens_details": {"cached_tokens": 4}}), "Hi", usage=Usage(input_tokens=10, output_tokens=5, cached_tokens=4)),
    Shape("DeepSeek's cache hits", counted({**COUNTED, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 6}), "Hi", usage=Usage(input_tokens=10, output_tokens=5, cached_tokens=4)),
    Shape("cache writes", counted({**COUNTED, "prompt_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 4}}), "Hi", usage=Usage(input_tokens=10, output_tokens=5, cached_tokens=1, cache_write_tokens=4)),
    Shape("cached tokens beside the input", counted({"prompt_tokens": 2, "completion_tokens": 5, "total_tokens": 15, "prompt_tokens_details": {"cached_tokens": 8}}), "Hi", usage=Usage(input_tokens=10, output_tokens=5, cached_tokens=8)),
    Shape("reasoning within the output", counted({**COUNTED, "completion_tokens_details": {"reasoning_tokens": 3}}), "Hi", usage=Usage(input_tokens=10, output_tokens=5, reasoning_tokens=3)),
    Shape("reasoning beside the output", counted({**COUNTED, "total_tokens": 18, "completion_tokens_details": {"reasoning_tokens": 3}}), "Hi", usage=Usage(input_tokens=10, output_tokens=8, reasoning_tokens=3)),
    Shape("more reasoning than output, no total", counted({"prompt_tokens": 10, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 9}}), "Hi", usage=Usage(input_tokens=10, output_tokens=14, reasoning_tokens=9)),
    Shape("a total that is larger", counted({**COUNTED, "total_tokens": 40}), "Hi", usage=Usage(input_tokens=10, output_tokens=30, inconsistent=True)),
    Shape("a total that is smaller", counted({**COUNTED, "total_tokens": 4}), "Hi", usage=Usage(input_tokens=10, output_tokens=5, inconsistent=True)),
    Shape("audio", counted({**COUNTED, "prompt_tokens_details": {"audio_tokens": 3}, "completion_tokens_details": {"audio_tokens": 2}}), "Hi", usage=Usage(input_tokens=10, output_tokens=5, input_audio_tokens=3, output_audio_tokens=2)),
    Shape("names of the responses", counted({"input_tokens": 10, "output_tokens": 5}), "Hi", usage=TEN_FIVE),
    Shape("counts as floats", counted({"prompt_tokens": 10.0, "completion_tokens": 5.0}), "Hi", usage=TEN_FIVE),
    Shape("null details", counted({**COUNTED, "prompt_tokens_details": None}), "Hi", usage=TEN_FIVE),
    Shape("a service tier", whole(service_tier="flex"), "Hi", usage=Usage(input_tokens=10, output_tokens=5, service_tier="flex")),
    Shape("the standard service tier", whole(service_tier="default"), "Hi", usage=TEN_FIVE),
    *(
        Shape(f"usage that cannot be true: {report}", counted(report), "Hi")
        for report in (
            {"prompt_tokens": -5, "completion_tokens": 1},
            {"prompt_tokens": 2**70, "completion_tokens": 1},
            {"prompt_tokens": 1.5, "completion_tokens": 1},
            {"prompt_tokens": "many"},
            {"prompt_tokens": True},
            {"prompt_tokens": float("nan"), "completion_tokens": 1},
            {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 99}},
            [],
            "nonsense",
        )
    ),
]  # fmt: skip

SHAPES = [*PLAIN, *TOOLS, *THINKING, *ENDS, *ERRORS, *USAGE]
