"""Adapters read what providers send, in whatever pieces it arrives: every shape through every parser."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import time
from typing import get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wire_shapes import Shape, anthropic, chat, responses

from flask_aiagents.llm.adapters import adapter
from flask_aiagents.llm.failures import Failure
from flask_aiagents.llm.outcome import Delta, Event, Thinking
from flask_aiagents.llm.protocol import Reply
from flask_aiagents.llm.providers import AdapterName

ALL: list[tuple[AdapterName, Shape]] = [
    *(("openai_chat", shape) for shape in chat.SHAPES),
    *(("openai_responses", shape) for shape in responses.SHAPES),
    *(("anthropic_messages", shape) for shape in anthropic.SHAPES),
]
ADAPTERS: tuple[AdapterName, ...] = get_args(AdapterName)
EACH = pytest.mark.parametrize(("name", "shape"), ALL, ids=[f"{name}-{shape.name}" for name, shape in ALL])


def read(name: AdapterName, pieces: list[bytes]) -> tuple[Reply | Failure, list[Event]]:
    """The answer, or the failure, and all events, neighbouring ones of a kind as one."""
    parser, heard = adapter(name).parser(), list[Event]()
    try:
        for piece in pieces:
            for event in parser.feed(piece):
                last = heard[-1] if heard else None
                if isinstance(event, Delta) and isinstance(last, Delta):
                    heard[-1] = Delta(text=last.text + event.text)
                elif isinstance(event, Thinking) and isinstance(last, Thinking):
                    heard[-1] = Thinking(text=last.text + event.text)
                else:
                    heard.append(event)
        return parser.finish(), heard
    except Failure as failure:
        return failure, heard


def seen(end: Reply | Failure) -> tuple[object, ...]:
    """What there is to compare of an end."""
    if isinstance(end, Failure):
        return end.error, end.text, end.usage
    return (
        end.text,
        end.thinking,
        [(request.name, request.arguments) for request in end.tool_requests],
        end.finish_reason,
        end.usage,
    )


def cut(body: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[start:end] for start, end in itertools.pairwise(edges)]


@EACH
def test_each_shape_is_read(name: AdapterName, shape: Shape) -> None:
    """Nothing that was paid for is lost: what can be read is, and the rest is an error with its raw text."""
    end, _ = read(name, [shape.body])
    if shape.error:
        assert isinstance(end, Failure)
        assert seen(end) == (shape.error, shape.text, shape.usage)
        assert shape.text or end.raw is not None
    else:
        assert isinstance(end, Reply), end
        assert seen(end) == (shape.text, shape.thinking, list(shape.tools), shape.finish, shape.usage)
        ids = [request.id for request in end.tool_requests]
        assert all(ids)
        assert len(set(ids)) == len(ids)


@EACH
def test_each_shape_is_the_same_byte_by_byte(name: AdapterName, shape: Shape) -> None:
    """Bytes may be cut anywhere: within a code point, a tag, a line end, a number."""
    body = shape.body if len(shape.body) < 20_000 else shape.body[:20_000]
    whole, heard = read(name, [body])
    single, told = read(name, [body[n : n + 1] for n in range(len(body))])
    assert seen(single) == seen(whole)
    if not isinstance(whole, Failure):
        assert told == heard


@EACH
def test_a_stream_tells_the_text_that_it_ends_with(name: AdapterName, shape: Shape) -> None:
    """Whoever reads along has the same text in the end, but for what only the end makes certain."""
    end, heard = read(name, [shape.body])
    told = "".join(event.text for event in heard if isinstance(event, Delta))
    if isinstance(end, Reply):
        assert end.text.startswith(told)


STREAMS = [(name, shape) for name, shape in ALL if b"data:" in shape.body and not shape.error]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(STREAMS), st.lists(st.integers(0, 10_000), max_size=12))
def test_any_cut_of_a_stream_gives_the_same_events(stream: tuple[AdapterName, Shape], places: list[int]) -> None:
    """However a stream is cut, its events and its end are the same."""
    name, shape = stream
    (whole, heard), (pieces, told) = read(name, [shape.body]), read(name, cut(shape.body, places))
    assert seen(pieces) == seen(whole)
    assert told == heard


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ADAPTERS), st.binary(max_size=400), st.booleans())
@example("openai_chat", b"\xef\xbb", False)
@example("openai_chat", b"data: [1]\n\ndata: null\n\n", True)
def test_any_bytes_give_an_outcome(name: AdapterName, body: bytes, streamed: bool) -> None:
    """No bytes raise anything but a failure of ours."""
    read(name, [b"data: " + body if streamed else body])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(ALL), st.integers(0, 2**32), JSON)
def test_any_value_in_any_place_gives_an_outcome(
    stream: tuple[AdapterName, Shape], seed: int, value: object
) -> None:
    """Whatever type a field has, the answer is read or fails as ours."""

    name, shape = stream
    if len(shape.body) > 20_000:
        return
    lines = shape.body.split(b"\n")
    chosen = random.Random(seed)
    for number, line in enumerate(lines):
        prefix = b"data: " if line.startswith(b"data: ") else b""
        try:
            parsed = json.loads(line.removeprefix(prefix))
        except ValueError:
            continue
        lines[number] = prefix + json.dumps(_mutated(parsed, chosen, value)).encode()
    read(name, [b"\n".join(lines)])


def _mutated(value: object, chosen: random.Random, other: object) -> object:
    if chosen.random() < 0.1:
        return other
    match value:
        case dict():
            return {key: _mutated(item, chosen, other) for key, item in value.items() if chosen.random() > 0.05}
        case list():
            return [_mutated(item, chosen, other) for item in value]
        case _:
            return value


@pytest.mark.parametrize("name", ADAPTERS)
@pytest.mark.parametrize(
    "body",
    [
        b'data: {"choices":[{"delta":{"content":"' + b"```" + b"\\n" * 6_000 + b'"}}]}\n\n',
        b"data: " + b"x" * 1_000_000,
        b"\n" * 1_000_000,
        b"data:\n" * 200_000,
        b'{"choices":[' + b'{"message":{}},' * 80_000 + b"{}]}",
        b'{"choices":[{"message":{"tool_calls":[' + b'{"id":"x"},' * 60_000 + b"{}]}}]}",
        b'data: {"choices":[{"delta":{"content":"' + b" " * 500_000 + b'"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"<think>' + b"</thin" * 100_000 + b'"}}]}\n\n',
    ],
    ids=["newlines", "one line", "blank lines", "empty data", "choices", "calls", "blanks", "half tags"],
)
def test_no_step_of_reading_takes_long(name: AdapterName, body: bytes) -> None:
    """Bodies made to be expensive are read in steps that leave the loop to others."""
    parser, longest = adapter(name).parser(), 0.0
    steps = [body[start : start + 16_384] for start in range(0, len(body), 16_384)]
    for step in [*steps, None]:
        started = time.thread_time()
        with contextlib.suppress(Failure):
            parser.feed(step) if step is not None else parser.finish()
        longest = max(longest, time.thread_time() - started)
    assert longest < 0.5  # tenfold, for slow machines


def test_a_tools_name_does_not_grow_with_its_pieces() -> None:
    """No more is kept of a name in thousands of pieces than any tool's name has."""
    deltas = [{"tool_calls": [{"index": 0, "function": {"name": f"{number:05}"}}]} for number in range(5_000)]
    chunks = [{"choices": [{"delta": delta}]} for delta in deltas] + [
        {"choices": [{"finish_reason": "tool_calls"}]}
    ]
    end, _ = read("openai_chat", [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks])
    assert isinstance(end, Reply)
    assert len(end.tool_requests[0].name) < 300
