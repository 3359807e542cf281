from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from attacks.inputs.schemas import SCHEMA_ATTACKS, SchemaAttack, items, members, mesh
from support.cast import OFFLINE, Clients, make_agent

from flask_aiagents.llm.json_schema import BUDGET_NS, MAX_VALUES, InvalidValue, JSONSchema, compile_schema
from flask_aiagents.llm.outputs import InvalidOutput, parse_output
from flask_aiagents.llm.schema_engine import InvalidSchema

each_attack = pytest.mark.parametrize("attack", SCHEMA_ATTACKS, ids=[attack.name for attack in SCHEMA_ATTACKS])


@pytest.mark.requirement("R43")
@each_attack
def test_a_hostile_schema_or_answer_ends_at_once(attack: SchemaAttack) -> None:
    """The schema is refused, or the answer is checked or refused: nothing hangs, crashes or raises otherwise."""
    with suppress(InvalidSchema, InvalidOutput):
        parse_output(attack.answer, json.loads(attack.schema))


@pytest.mark.requirement("R43")
def test_agents_with_hostile_schemas_do_not_stop_those_of_others(clients: Clients) -> None:
    """Each hostile schema is a 422 or an agent that runs to an end, and another tenant's agent still answers."""
    victim = make_agent(clients.charlie)["id"]
    for attack in SCHEMA_ATTACKS:
        config = json.dumps(OFFLINE)[:-1] + f', "output_schema": {attack.schema}}}'
        body = f'{{"name": "{attack.name}", "model_config": {config}}}'
        response = clients.alice.post("/api/ai_agents", data=body, content_type="application/json")
        assert response.status_code in (201, 400, 422), attack.name
        if response.status_code == 201:
            run = clients.alice.post(f"/api/ai_agents/{response.json['id']}/execute", json={"input": "Hi"})
            assert run.status_code in (200, 502), (attack.name, run.text)
    assert clients.charlie.post(f"/api/ai_agents/{victim}/execute", json={"input": "Hi"}).status_code == 200


@pytest.mark.requirement("R3")
@pytest.mark.requirement("R10")
@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef", "$recursiveRef"])
@pytest.mark.parametrize("target", ["http://127.0.0.1:1/x", "file:///etc/passwd", "other.json", "//host/x"])
def test_a_reference_out_of_the_schema_is_refused(keyword: str, target: str) -> None:
    """No schema makes the server fetch an address or read a file, at any depth."""
    for schema in ({keyword: target}, {"properties": {"x": {"items": {keyword: target}}}}):
        with pytest.raises(InvalidSchema, match="outside of the schema"):
            compile_schema(schema)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"enum": ["x" * 40_000]}, r"has 40\d\d\d bytes; at most 32768"),
        ({"anyOf": [{}] * 6_000}, "unfolds to 6001 subschemas for one value; at most 5000"),
        ({"pattern": "a" * 2_000}, "has 2000 characters; at most 1024"),
        ({"properties": {f"p{i}": {"pattern": f"^x{i}"} for i in range(65)}}, "has 65 patterns; at most 64"),
        ({"pattern": "^.{1,5000}$"}, "compiles to at most 65536 bytes"),
        ({"multipleOf": 1e-200}, "it may be 1e-15 to 1e[+]15"),
        ({"pattern": r"^(a)\1"}, "back-references"),
        ({"pattern": "(?i)abc"}, "inline flag"),
        ({"$ref": "#/$defs/none"}, "points to nothing"),
        ({"type": "nonsense"}, "Not a valid JSON Schema: at [$].type"),
    ],
)
def test_a_schema_beyond_a_limit_is_refused_with_the_limit_and_its_value(
    clients: Clients, schema: dict[str, object], said: str
) -> None:
    """Saving an agent with it is a 422 at output_schema that says how much is allowed and how much there is."""
    body = {"name": "Large", "model_config": OFFLINE | {"output_schema": schema}}
    response = clients.alice.post("/api/ai_agents", json=body)
    assert response.status_code == 422
    with pytest.raises(InvalidSchema, match=said):
        compile_schema(schema)
    assert response.json["details"]["model_config"]["output_schema"]


@pytest.mark.requirement("R43")
@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "array", "items": {"type": "string", "pattern": "a[ab]{50}c"}}, ["ab" * 20_000] * 5),
        ({"allOf": [{"uniqueItems": True}] * 30}, list(range(20_000))),
        ({"items": {"anyOf": [{"type": "string"}, {"type": "null"}] * 400}}, list(range(50_000))),
        ({"uniqueItems": True}, [2**60 + i for i in range(2_000)]),
        ({}, [0] * (MAX_VALUES + 1)),
    ],
)
def test_work_beyond_the_budget_is_refused_before_it_starts(schema: dict[str, object], value: object) -> None:
    """An answer whose check could take more than the budget is refused; the message gives its size."""
    with pytest.raises(InvalidValue, match=r"to check|too many"):
        compile_schema(schema).check(value)
    assert BUDGET_NS == 50_000_000


def _object(**members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}


_STATEMENT, _EXPRESSION, _BLOCK = ({"$ref": f"#/$defs/{name}"} for name in ("statement", "expression", "block"))
PROGRAM = {
    "$defs": {
        "block": _object(body=items(_STATEMENT)),
        "statement": {
            "oneOf": [
                _object(condition=_EXPRESSION, then=_BLOCK, otherwise=_BLOCK),
                _object(condition=_EXPRESSION, repeat=_BLOCK),
                _object(name={"type": "string"}, value=_EXPRESSION),
            ]
        },
        "expression": {
            "oneOf": [{"type": "number"}, _object(left=_EXPRESSION, right=_EXPRESSION), _object(function=_BLOCK)]
        },
    },
    **_BLOCK,
}
"""Definitions that refer to each other as people write them."""


@pytest.mark.requirement("R43")
def test_definitions_may_refer_to_each_other() -> None:
    """A grammar of statements, expressions and blocks is accepted, and checks what it describes."""
    schema = compile_schema(PROGRAM)
    value: Any = {"body": []}
    for _ in range(10):
        value = {"body": [{"name": "f", "value": {"left": 1, "right": {"function": value}}}]}
    schema.check(value)
    with pytest.raises(InvalidValue):
        schema.check({"body": [{"name": "f", "value": {"function": {"body": 1}}}]})


FAMILIES = {
    f"{keyword} of {number}, {links or 'all'}: {name}": mesh(number, keyword, wrap, links)
    for keyword in ("oneOf", "anyOf", "allOf")
    for number, links in ((2, None), (3, None), (4, 2), (5, 2), (8, 1), (12, None))
    for name, wrap in {
        "items": items,
        "members": members,
        "additional": lambda ref: {"additionalProperties": ref},
        "patterns": lambda ref: {"patternProperties": {"^a": ref}},
        "prefixes": lambda ref: {"prefixItems": [ref, ref]},
        "contained": lambda ref: {"contains": ref},
        "unevaluated": lambda ref: {"unevaluatedItems": ref},
        "negated": lambda ref: {"not": items(ref)},
        "conditional": lambda ref: {"if": items(ref), "then": items(ref), "else": members(ref)},
    }.items()
}
"""Schemas whose definitions refer to each other, each in another way."""


def _grown(depth: int, grow: Callable[[Any], Any], value: Any = 1) -> Any:
    for _ in range(depth):
        value = grow(value)
    return value


VALUES = [
    _grown(60, lambda value: [value, 1, 1]),
    _grown(30, lambda value: [value, *[1] * 60]),
    _grown(10, lambda value: [value, value]),
    _grown(60, lambda value: {"a": value, "b": 1}),
    _grown(9, lambda value: {"a": value, "b": value}),
    [[1] * 30] * 30,
]


@pytest.mark.slow
@pytest.mark.requirement("R43")
@pytest.mark.parametrize("family", FAMILIES)
def test_the_estimate_is_no_less_than_the_work(family: str) -> None:
    """What may be checked takes no longer than estimated, in the time of the processor; tripled for slow ones."""
    with suppress(InvalidSchema):
        schema = compile_schema(FAMILIES[family])
        for value in VALUES:
            with suppress(InvalidValue):
                estimate = schema._estimate(value)
                took = min(_processor_ns(schema, value) for _ in range(5))
                assert took <= 3 * max(estimate, 100_000), (took, estimate)


def _processor_ns(schema: JSONSchema, value: Any) -> int:
    began = time.thread_time_ns()
    schema._validator.accepts(value)
    return time.thread_time_ns() - began
