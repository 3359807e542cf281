"""Schemas and answers meant to stop the process: JSON texts, because some are no Python values."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple


class SchemaAttack(NamedTuple):
    """An ``output_schema`` and the answer that a model gives to it."""

    name: str
    schema: str
    answer: str


def _attack(name: str, schema: Any, answer: Any) -> SchemaAttack:
    return SchemaAttack(name, json.dumps(schema), answer if isinstance(answer, str) else json.dumps(answer))


def _chain(length: int, link: Callable[[dict[str, str]], Any], last: Any = True) -> dict[str, Any]:
    """``$defs`` each of which refers to the next."""
    links = {f"d{i}": link({"$ref": f"#/$defs/d{i + 1}"}) for i in range(length)}
    return {"$defs": links | {f"d{length}": last}, "$ref": "#/$defs/d0"}


def _nested(depth: int, wrap: Callable[[Any], Any], inner: Any) -> Any:
    for _ in range(depth):
        inner = wrap(inner)
    return inner


def mesh(
    number: int, keyword: str, wrap: Callable[[dict[str, str]], Any], links: int | None = None
) -> dict[str, Any]:
    """``$defs`` each of which refers to the next ones, by default to all."""
    refs = [{"$ref": f"#/$defs/d{i}"} for i in range(number)]
    nexts = [[refs[(i + j) % number] for j in range(1, 1 + (links or number))] for i in range(number)]
    return {"$defs": {f"d{i}": {keyword: [wrap(ref) for ref in nexts[i]]} for i in range(number)}, **refs[0]}


def items(ref: Any) -> dict[str, Any]:
    """An array of these."""
    return {"type": "array", "items": ref}


def members(ref: Any) -> dict[str, Any]:
    """An object whose members ``a`` and ``b`` are these."""
    return {"type": "object", "properties": {"a": ref, "b": ref}}


_NODE = {"$ref": "#/$defs/node"}
_TWICE = {"type": "object", "properties": {"child": _NODE}, "required": ["absent"]}
_HUNG = "a" * 40 + "!"

SCHEMA_ATTACKS: list[SchemaAttack] = [
    _attack("pattern-on-a-key", {"const": {_HUNG: 1}, "patternProperties": {"^(a+)+$": {}}}, {_HUNG: 1}),
    _attack("nested-repetition", {"type": "string", "pattern": "^(a+)+$"}, json.dumps("a" * 50_000 + "!")),
    _attack("pattern-of-many-states", {"type": "string", "pattern": "a[ab]{500}c"}, json.dumps("ab" * 50_000)),
    _attack(
        "patterns-that-compile-large",
        {"allOf": [{"pattern": f"a{{{i}}}b{{900}}"} for i in range(60)]},
        json.dumps("a"),
    ),
    _attack("case-folded-classes", {"pattern": r"(?i)" + r"[\p{L}]" * 140}, json.dumps("a" * 140)),
    _attack("look-around", {"pattern": "^(?=(a+))b"}, json.dumps("a" * 50_000)),
    _attack("doubling-references", _chain(40, lambda ref: {"allOf": [ref, ref]}), 1),
    _attack(
        "doubling-properties",
        _chain(40, lambda ref: {"allOf": [{"properties": {"x": ref}}] * 2}),
        _nested(40, lambda x: {"x": x}, {}),
    ),
    _attack(
        "recursive-anyof",
        {"$defs": {"node": {"anyOf": [_TWICE, _TWICE]}}, **_NODE},
        _nested(60, lambda x: {"child": x}, 0),
    ),
    _attack("mutual-references", mesh(4, "oneOf", items), _nested(60, lambda x: [x, 1, 1], 1)),
    _attack("mutual-references-of-many", mesh(12, "anyOf", items), _nested(60, lambda x: [x, 1, 1], 1)),
    _attack("mutual-members", mesh(6, "anyOf", members, 3), _nested(60, lambda x: {"a": x, "b": 1}, 1)),
    _attack(
        "mutual-unevaluated",
        mesh(4, "oneOf", lambda ref: {"unevaluatedItems": ref}),
        _nested(60, lambda x: [x, 1, 1], 1),
    ),
    _attack("reference-to-itself", {"$ref": "#"}, 1),
    _attack("long-chain-of-references", _chain(600, lambda ref: ref), 1),
    _attack("nested-allof", _chain(24, lambda ref: {"allOf": [ref], "anyOf": [ref]}), 1),
    _attack("unique-items", {"uniqueItems": True}, [{"a": i} for i in range(20_000)]),
    _attack("unique-items-that-collide", {"uniqueItems": True}, [2**64 - 1 - i for i in range(20_000)]),
    _attack("unique-items-many-times", {"allOf": [{"uniqueItems": True}] * 200}, list(range(20_000))),
    SchemaAttack("multiple-of-infinity", '{"multipleOf": 1e400}', "1"),
    SchemaAttack("multiple-of-next-to-nothing", '{"items": {"multipleOf": 5e-324}}', json.dumps([1e308] * 5_000)),
    SchemaAttack("answer-of-infinity", '{"multipleOf": 0.01}', "1e400"),
    SchemaAttack("answer-of-nan", '{"type": "number"}', "NaN"),
    SchemaAttack("answer-of-many-digits", '{"multipleOf": 7}', "1" + "0" * 100_000),
    _attack("reference-over-http", {"$ref": "http://127.0.0.1:1/schema.json"}, {}),
    _attack("reference-to-a-file", {"$ref": "file:///etc/passwd"}, {}),
    _attack("identity-elsewhere", {"properties": {"x": {"$id": "http://127.0.0.1:1/", "$ref": "#/y"}}}, {"x": 1}),
    SchemaAttack("deep-answer", '{"items": {"$ref": "#"}}', "[" * 50_000 + "]" * 50_000),
    SchemaAttack("answer-65-deep", '{"items": {"$ref": "#"}}', "[" * 65 + "]" * 65),
    _attack("huge-enum", {"items": {"enum": [{"a": i} for i in range(2_400)]}}, [{"a": 2_399}] * 5_000),
    _attack("many-required", {"items": {"required": [f"k{i}" for i in range(3_000)]}}, [{}] * 50_000),
    _attack(
        "contains",
        {"contains": {"contains": {"contains": {"const": 1}}}, "minContains": 10**6},
        [[[0] * 30] * 30] * 30,
    ),
    _attack(
        "dependent-schemas",
        _chain(30, lambda ref: {"dependentSchemas": {"x": ref, "y": ref}}),
        {"x": 1, "y": 1},
    ),
    _attack(
        "nested-unevaluated",
        _nested(
            16,
            lambda s: {"anyOf": [s, {"patternProperties": {"^k": True}}], "unevaluatedProperties": False},
            {"type": "object"},
        ),
        {f"k{i}": 1 for i in range(50)},
    ),
    _attack("many-unicode-classes", {"anyOf": [{"pattern": str(n) + r"|\w?" * 250} for n in range(15)]}, "x"),
    _attack(
        "exact-arithmetic",
        {"items": {"not": {"anyOf": [{"multipleOf": 0.1}, {"multipleOf": 1.7e-13}]}}},
        [1.0000000000000002e-14] * 30_000,
    ),
    _attack("many-values", {"type": "array", "items": {"type": "integer"}}, [0] * 300_000),
    _attack("many-alternatives", {"items": {"anyOf": [{"type": "string"}] * 1_000}}, [0] * 50_000),
]
"""Each was seen to hang, to crash or to raise on some validator."""
