"""Structured output."""

from __future__ import annotations

import time
from typing import Any

import pytest
from upstream import Upstream
from upstream.calls import call

from flask_aiagents.llm.calls import Call, Message, Target
from flask_aiagents.llm.engine import engine
from flask_aiagents.llm.offline import example
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


def test_a_reference_is_never_fetched() -> None:
    """A schema that points elsewhere cannot be applied; nothing is requested."""
    for ref in ("http://127.0.0.1:1/schema", "file:///etc/passwd", "#/nowhere"):
        with pytest.raises(InvalidOutput):
            parse_output("{}", {"$ref": ref})


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a|a)*b", "^(\\w+\\s?)*$", "(a?){40}a{40}", ".*.*.*.*x"])
def test_r42_a_hostile_pattern_answers_quickly(pattern: str) -> None:
    """A schema's pattern that would run for ages is refused instead of run."""
    started = time.monotonic()
    with pytest.raises(InvalidOutput):
        parse_output('"' + "a" * 50_000 + '!"', {"type": "string", "pattern": pattern})
    assert time.monotonic() - started < 0.2


def test_usual_patterns_work() -> None:
    """Patterns as people write them are checked."""
    schema = {"type": "string", "pattern": "^[A-Z]{2}-\\d+$"}
    assert parse_output('"NL-42"', schema) == "NL-42"
    with pytest.raises(InvalidOutput):
        parse_output('"nl"', schema)


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
    assert (outcome.status, outcome.output) == ("success", example(schema))
