"""Structured output."""

from __future__ import annotations

import json
from typing import Any

import pytest
from upstream import Upstream
from upstream.calls import call

from flask_aiagents.llm.engine import engine
from flask_aiagents.llm.examples import MAX_CHARACTERS, example
from flask_aiagents.llm.messages import Call, Message, Target
from flask_aiagents.llm.outputs import InvalidOutput, parse_output

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city", "days"],
    "additionalProperties": False,
}


def test_the_provider_is_asked_for_the_schema(upstream: Upstream) -> None:
    """OpenAI gets the schema as its response format, and the output is the parsed value."""
    upstream.answer('{"city": "Delft", "days": 2}')
    outcome = engine().run(call(upstream, output_schema=SCHEMA))
    assert outcome.output == {"city": "Delft", "days": 2}
    assert upstream.requests[0].json["response_format"]["type"] == "json_schema"


def test_a_provider_without_schemas_is_asked_in_words(upstream: Upstream) -> None:
    """Where a provider knows no schemas, the instructions carry it."""
    upstream.answer('```json\n{"city": "Delft", "days": 2}\n```')
    wanted = call(upstream, provider="groq", model="llama-3.1-8b-instant", output_schema=SCHEMA)
    assert engine().run(wanted).output == {"city": "Delft", "days": 2}
    assert "additionalProperties" in upstream.requests[0].json["messages"][0]["content"]


@pytest.mark.parametrize(
    "text",
    ["", "Delft", '{"city": "Delft"}', '{"city": 1, "days": 1}', '{"city": "D", "days": NaN}', "[" * 100_000],
)
def test_an_output_that_does_not_fit_is_an_error_with_its_text(upstream: Upstream, text: str) -> None:
    """What the model wrote is kept, the status says that it does not fit."""
    upstream.answer(text)
    outcome = engine().run(call(upstream, output_schema=SCHEMA))
    assert (outcome.status, outcome.error, outcome.output) == ("error", "invalid_output", text)
    assert outcome.usage is not None


_TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["name"],
            "additionalProperties": False,
        }
    },
    "$ref": "#/$defs/node",
}
_SHAPES = {
    "oneOf": [
        {
            "type": "object",
            "properties": {"kind": {"const": f"shape{i}"}, "size": {"type": "number"}, "of": {"$ref": "#"}},
            "required": ["kind"],
            "additionalProperties": False,
        }
        for i in range(20)
    ]
}


def _branch(levels: int) -> dict[str, Any]:
    return {"name": "n", "children": [_branch(levels - 1)] * 2 if levels else []}


def _pattern(text: str) -> dict[str, Any]:
    return {"type": "string", "pattern": text}


@pytest.mark.requirement("R43")
@pytest.mark.parametrize(
    ("schema", "fits", "fails"),
    [
        (_pattern("^[A-Z]{2}-\\d+$"), "NL-42", "nl"),
        (_pattern("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"), "0190f3c2-7b1c-7cc3-98c4-dc0c0c07398f", "0190"),
        (_pattern("^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}$"), "first.last@mail.example.com", "first@"),
        (_pattern("^\\d{4}-\\d{2}-\\d{2}T[\\d:]{8}(\\.\\d+)?Z$"), "2026-01-31T12:00:00.123Z", "noon"),
        (_pattern("^[a-z0-9]+(-[a-z0-9]+)*$"), "a-slug-of-words" * 500, "A slug"),
        ({"multipleOf": 0.01}, 19.99, 19.995),
        (_TREE, _branch(6), {"children": []}),
        (_SHAPES, {"kind": "shape3", "of": {"kind": "shape19", "of": {"kind": "shape0"}}}, {"kind": "shape20"}),
        ({"type": "array", "items": _SHAPES}, [{"kind": f"shape{i % 20}"} for i in range(300)], [{"kind": "x"}]),
        ({"uniqueItems": True}, [{"id": i} for i in range(20_000)], [{"id": 1}, {"id": 1.0}]),
        ({"items": {"enum": [f"code{i}" for i in range(1_000)]}}, ["code999"] * 1_000, ["code1000"]),
        (
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$id": "https://x.example/s",
                "minimum": 2,
            },
            2,
            1,
        ),
    ],
)
def test_schemas_as_people_write_them_work(schema: dict[str, Any], fits: Any, fails: Any) -> None:
    """Usual patterns, money, trees, discriminated unions and lists are checked, not refused for their cost."""
    assert parse_output(json.dumps(fits), schema) == fits
    with pytest.raises(InvalidOutput, match=r"at \$|does not fit"):
        parse_output(json.dumps(fails), schema)


def test_a_refusal_says_where_and_what() -> None:
    """The place is a path, the reason names the value."""
    with pytest.raises(InvalidOutput, match=r"at \$\.days: 0 is less than the minimum of 1"):
        parse_output('{"city": "Delft", "days": 0}', SCHEMA)


@pytest.mark.requirement("R29")
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1" * 301])
def test_a_number_that_is_none_is_refused_at_any_depth(number: str) -> None:
    """No database keeps it, and no comparison with it means anything."""
    for text in (number, f'{{"a": [{number}]}}'):
        with pytest.raises(InvalidOutput, match="not JSON"):
            parse_output(text, {})


def test_a_schema_that_cannot_be_used_costs_nothing(upstream: Upstream) -> None:
    """It ends as invalid_schema before the model is asked."""
    outcome = engine().run(call(upstream, output_schema={"pattern": "^(?!x)"}))
    assert (outcome.status, outcome.error, outcome.cost_usd) == ("error", "invalid_schema", 0)
    assert "look-around" in str(outcome.message)
    assert upstream.requests == []


@pytest.mark.parametrize(
    "schema",
    [
        SCHEMA,
        {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 2},
        {"$defs": {"P": {"type": "object", "properties": {"x": {"type": "number"}}}}, "$ref": "#/$defs/P"},
        {"type": "string", "minLength": 10, "maxLength": 12},
        {"anyOf": [{"type": "integer", "minimum": 5}, {"type": "null"}]},
        {"const": {"fixed": True}},
    ],
)
def test_the_offline_model_fills_simple_schemas(schema: dict[str, Any]) -> None:
    """Without any provider, structured output works for schemas as people write them."""
    wanted = Call(
        targets=(Target(provider="offline", model="demo"),),
        messages=(Message(role="user", content="Fill it"),),
        output_schema=schema,
    )
    outcome = engine().run(wanted)
    assert (outcome.status, outcome.output) == ("success", example(schema)[0])


@pytest.mark.requirement("R43")
@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 400_000_000},
        {"type": "string", "minLength": 1e300},
        {"type": "array", "minItems": 10**9},
        {
            "type": "array",
            "minItems": 999,
            "items": {"type": "array", "minItems": 999, "items": {"const": "x" * 999}},
        },
        {"type": "object", "properties": {f"p{i}": {"type": "string", "minLength": 9_000} for i in range(99)}},
        {"type": "array", "minItems": 99_999, "items": {"type": "object", "properties": {"x" * 999: {}}}},
        {"type": "array", "minItems": 99_999, "items": {"type": "integer", "minimum": 10**99}},
        {"type": "array", "minItems": 99_999, "items": {"type": "integer", "exclusiveMinimum": 10**99}},
        {"type": "array", "minItems": 99_999, "items": {"type": "number", "maximum": -(10**99)}},
        {"type": "array", "minItems": 99_999, "items": {"type": "object", "properties": {"\x01" * 999: {}}}},
    ],
)
def test_the_offline_model_stops_at_a_size_and_says_so(schema: dict[str, Any]) -> None:
    """A schema that asks for more than the model writes ends like any answer that was cut: it does not fit."""
    wanted = Call(
        targets=(Target(provider="offline", model="demo"),),
        messages=(Message(role="user", content="Fill it"),),
        output_schema=schema,
    )
    outcome = engine().run(wanted)
    assert (outcome.error, outcome.finish_reason) == ("invalid_output", "length")
    assert len(str(outcome.output)) < 2 * MAX_CHARACTERS
