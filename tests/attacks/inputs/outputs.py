"""Output schemas that ask the offline model for as much as it can produce: ``(name, schema)``."""

from __future__ import annotations

from typing import Any

HUGE = 400_000_000


TEXT = {"type": "string", "minLength": HUGE}


def _array(items: int, inner: Any) -> dict[str, Any]:
    return {"type": "array", "minItems": items, "items": inner}


def _nested(depth: int, wrap: Any, inner: Any) -> Any:
    for _ in range(depth):
        inner = wrap(inner)
    return inner


def _object(names: int, inner: Any) -> dict[str, Any]:
    fields = {f"f{n}": inner for n in range(names)}
    return {"type": "object", "properties": fields, "required": list(fields)}


OUTPUTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("a string of 400 MB", TEXT),
    ("an array of 400 million", _array(HUGE, {"type": "integer"})),
    (
        "an array of long strings",
        _array(1_000, TEXT),
    ),
    (
        "arrays of arrays",
        _nested(8, lambda inner: _array(100, inner), {"type": "null"}),
    ),
    ("objects of objects", _nested(6, lambda inner: _object(12, inner), {"type": "string"})),
    ("a long key", _object(1, TEXT)),
    ("many long strings", _object(200, {"type": "string", "minLength": 10_000_000})),
    ("as many properties as can be", {"type": "object", "minProperties": HUGE}),
    ("a large constant", {"const": "x" * 30_000}),
    ("unique items", {"type": "array", "minItems": 10_000_000, "uniqueItems": True}),
    (
        "items before others",
        {"type": "array", "prefixItems": [TEXT] * 3, "minItems": 3},
    ),
    ("a number of many digits", {"type": "integer", "minimum": 10**300}),
)
