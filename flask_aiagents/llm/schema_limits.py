"""Limits of a JSON Schema, checked when an agent is saved and before the schema is applied."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..types import JSON, JSONObject
from .schema_cost import Cost, SchemaCosts, SchemaTooComplex
from .schema_engine import PATTERN_BYTES, InvalidSchema, Validator
from .schema_walk import REFERENCES, DanglingReference, SchemaTree, keys_of, nodes_of
from .text import dump_json

MAX_SCHEMA_BYTES = 32_768
"""Largest schema, as JSON in bytes. Building it takes about a millisecond for each 3 KB."""

MAX_SCHEMA_DEPTH = 64
"""Most objects and arrays inside of each other in a schema."""

MAX_SUBSCHEMAS = 5_000
"""Most subschemas that apply to one value and on the way to it, with every ``$ref`` followed."""

MAX_PATTERNS = 64
"""Most different patterns in a schema."""

MAX_PATTERN_LENGTH = 1_024
"""Longest pattern, in characters."""

MAX_PATTERNS_BYTES = 1_048_576
"""Most bytes that the patterns of a schema compile to together; that takes 15 ms."""

MAX_CLASSES = 80
"""Most Unicode classes in the patterns of a schema, repetitions counted. Each takes the compiler half a
millisecond, during which the other threads of the process wait."""

MULTIPLES = (1e-15, 1e15)
"""Range of ``multipleOf``: beyond it, exact arithmetic on a single number takes up to half a millisecond."""

_SHORTER = "Use minLength and maxLength in place of long repetitions"

PATTERN_NS = {1_024: 250, 4_096: 800, 16_384: 3_200, PATTERN_BYTES: 8_000}
"""Nanoseconds that a pattern takes per character at worst, by the size in bytes that it compiles to."""

_LARGE_CLASS = re.compile(r"\\[wWSDpP]|\[\^")
_SMALL_CLASS = re.compile(r"\\[ds]")
_SMALL_PART = 0.1
_REPEAT = re.compile(r"\{(\d{1,9})(?:,(\d{0,9}))?\}")

_INLINE_FLAG = re.compile(r"\(\?[a-zA-Z]*[-imsxuUR]+[:)]")


@dataclass(frozen=True, slots=True)
class SchemaBounds:
    """What a schema within the limits costs to apply."""

    cost: Cost
    recursive: bool


def check_limits(schema: JSONObject) -> SchemaBounds:
    """Hold a schema against the limits.

    :raises InvalidSchema: naming the limit and the present value.
    """
    _check_size(schema)
    _check_references(schema)
    try:
        tree = SchemaTree(schema)
        _check_multiples(tree)
        costs = SchemaCosts(tree, _pattern_costs(tree))
        total = costs.total()
    except (SchemaTooComplex, DanglingReference) as error:
        raise InvalidSchema(f"It cannot be used: {error}. Simplify it") from None
    if (count := total.subschemas) > MAX_SUBSCHEMAS:
        raise InvalidSchema(
            f"It unfolds to {count if count < 10**9 else 'over a billion'} subschemas for one value; "
            f"at most {MAX_SUBSCHEMAS} are allowed. Use fewer $ref, allOf, anyOf and oneOf"
        )
    return SchemaBounds(total, costs.recursive)


def _check_size(schema: JSONObject) -> None:
    if (size := len(dump_json(schema).encode("utf-8", "replace"))) > MAX_SCHEMA_BYTES:
        raise InvalidSchema(f"It has {size} bytes; at most {MAX_SCHEMA_BYTES} are allowed. Make it smaller")
    if (depth := _depth(schema)) > MAX_SCHEMA_DEPTH:
        raise InvalidSchema(
            f"It is nested {depth} levels deep; at most {MAX_SCHEMA_DEPTH} are allowed. Move inner parts to $defs"
        )


def _depth(schema: JSON) -> int:
    depth, level = 0, [schema]
    while level:
        depth += 1
        values = (list(node.values()) if isinstance(node, dict) else node for node in level)
        level = [inner for found in values for inner in found if isinstance(inner, dict | list)]
    return depth


def _check_references(schema: JSONObject) -> None:
    for node in nodes_of(schema):
        if not isinstance(node, dict):
            continue
        for word in REFERENCES:
            if isinstance(target := node.get(word), str) and not target.startswith("#"):
                raise InvalidSchema(
                    f"{word} {target[:80]!r} points outside of the schema. Use '#/$defs/...' in the same schema"
                )
        if node is not schema and any(isinstance(node.get(word), str) for word in ("$id", "$schema")):
            raise InvalidSchema("$id and $schema may stand only at the top. Remove the inner ones")


def _check_multiples(tree: SchemaTree) -> None:
    least, most = MULTIPLES
    for node in tree.subschemas():
        multiple = node.get("multipleOf")
        if isinstance(multiple, int | float) and multiple > 0 and not least <= multiple <= most:
            raise InvalidSchema(f"multipleOf is {multiple:g}; it may be {least:g} to {most:g}. Choose another")


def _pattern_costs(tree: SchemaTree) -> dict[str, int]:
    """The worst time of each pattern per character."""
    patterns = list(dict.fromkeys(_patterns(tree)))
    if (count := len(patterns)) > MAX_PATTERNS:
        raise InvalidSchema(f"It has {count} patterns; at most {MAX_PATTERNS} are allowed. Use fewer")
    if (longest := max(map(len, patterns), default=0)) > MAX_PATTERN_LENGTH:
        raise InvalidSchema(
            f"A pattern has {longest} characters; at most {MAX_PATTERN_LENGTH} are allowed. Shorten it"
        )
    if (classes := sum(map(_class_weight, patterns))) > MAX_CLASSES:
        raise InvalidSchema(
            f"Its patterns have {classes:.0f} Unicode classes such as \\w, repetitions counted; at most "
            f"{MAX_CLASSES} are allowed. Use [A-Za-z0-9_] in place of \\w and [0-9] in place of \\d"
        )
    sizes: dict[str, int] = {}
    for pattern in patterns:
        sizes[pattern] = _compiled_size(pattern)
        if (total := sum(sizes.values())) > MAX_PATTERNS_BYTES:
            raise InvalidSchema(
                f"Its patterns compile to {total} bytes; at most {MAX_PATTERNS_BYTES} are allowed. {_SHORTER}"
            )
    return {pattern: PATTERN_NS[size] for pattern, size in sizes.items()}


def _patterns(tree: SchemaTree) -> Iterator[str]:
    for node in tree.subschemas():
        if isinstance(pattern := node.get("pattern"), str):
            yield pattern
        yield from keys_of(node.get("patternProperties"))


def _class_weight(pattern: str) -> float:
    """How many Unicode classes a pattern has at most, with its longest repetition counted for each."""
    classes = len(_LARGE_CLASS.findall(pattern)) + _SMALL_PART * len(_SMALL_CLASS.findall(pattern))
    repeats = (int(most or least) for least, most in _REPEAT.findall(pattern))
    return classes * max([1, *repeats])


def _compiled_size(pattern: str) -> int:
    """The smallest of the known sizes that a pattern compiles to."""
    # Folding the case of whole Unicode classes takes the compiler a hundred times as long.
    if _INLINE_FLAG.search(pattern):
        raise InvalidSchema(f"The pattern {pattern[:80]!r} has an inline flag. Write [Aa] in place of (?i)a")
    for size in PATTERN_NS:
        try:
            Validator({"pattern": pattern}, size)
        except InvalidSchema:
            continue
        return size
    raise InvalidSchema(
        f"The pattern {pattern[:80]!r} cannot be used: look-around and back-references are not supported, and a "
        f"pattern compiles to at most {PATTERN_BYTES} bytes. {_SHORTER}"
    )
