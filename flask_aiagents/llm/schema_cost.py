"""Estimate what one validation can cost, before any of it runs.

The validator holds the GIL while it works, so no timeout can interrupt it: the work has to be bounded beforehand.
:class:`SchemaCosts` follows a schema as the validator does, and sums counts and nanoseconds along the costliest
way to one value. It overestimates: alternatives of ``anyOf`` all count, although the validator stops at the first
that fits. The validator unfolds references: each way to a subschema is a copy of its own. A reference back to a
subschema around it ends the way, because the validator remembers the results of such references for each value;
its target is unfolded once more for the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..types import JSON, JSONObject
from .schema_walk import SchemaTree, all_of, items_of, keys_of, length_of, one_of, size_of, values_of

MAX_PATH = 256
"""Most subschemas inside of each other on the way to one value; the validator needs stack for each."""

MAX_WAYS = 1_500
"""Most times that a subschema is unfolded again on another way to it, about 20 microseconds each; building the
validator takes as many."""

_SUBSCHEMA_NS = 30
_REMEMBERED_NS = 100
"""Looking up the result of a reference that leads back."""
_NAME_NS = 60
_ENUM_NS = 500
_NUMBER_NS = 250
_LENGTH_NS = 1
_MULTIPLE_NS = 20_000
"""Exact arithmetic on a number that is no integer; measured 3 to 18 microseconds."""

_UNEVALUATED = frozenset(("unevaluatedProperties", "unevaluatedItems"))
_REPEATS = 4
"""Times that ``unevaluated*`` and what is beside it are applied: for the value, and to see what they covered."""

_TEXT_NS = {
    **dict.fromkeys(("minLength", "maxLength"), _LENGTH_NS),
    **dict.fromkeys(("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _NUMBER_NS),
}
_NAMES = ("properties", "patternProperties", "required", "dependentSchemas", "dependencies")
_KEYS = ("properties", "patternProperties", "additionalProperties", "unevaluatedProperties")


class SchemaTooComplex(ValueError):
    """The schema leads to itself without going deeper, or is nested too deeply."""


class Cost(NamedTuple):
    """Counts and nanoseconds that add up along the way to one value."""

    subschemas: int = 0
    """How many are applied: the number after all references are followed."""
    value_ns: int = 0
    """Per JSON value."""
    object_ns: int = 0
    """Per object."""
    key_ns: int = 0
    """Per key of an object."""
    text_ns: int = 0
    """Per character."""
    unique: int = 0
    """How often values are compared with each other, by ``uniqueItems``."""

    def plus(self, other: Cost, times: int = 1) -> Cost:
        """The sum, with the other one several times."""
        return Cost(*(mine + times * theirs for mine, theirs in zip(self, other, strict=True)))

    def most(self, other: Cost) -> Cost:
        """The larger of both, number by number."""
        return Cost(*map(max, self, other))


class SchemaCosts:
    """Finds the cost of one schema.

    :param patterns: nanoseconds that each pattern of the schema can take per character.
    """

    def __init__(self, tree: SchemaTree, patterns: Mapping[str, int]) -> None:
        self._tree = tree
        self._patterns = patterns
        self._known: dict[int, Cost] = {}
        """Costs that are the same on every way: nothing inside leads back to a subschema around."""
        self._path: dict[int, tuple[int, int]] = {}
        """Subschemas on the present way: the place of each, and how many steps into values led to it."""
        self._outermost = MAX_PATH
        """The first place on the way that the subschema in hand leads back to."""
        self._recursive: dict[int, JSONObject] = {}
        self._unfolding = set[int]()
        """Subschemas that were unfolded at least once."""
        self._ways = 0

    @property
    def recursive(self) -> bool:
        """Whether a reference leads back to a subschema around it; known after :meth:`total`."""
        return bool(self._recursive)

    def total(self) -> Cost:
        """The cost of applying the schema to one value and everything on the way to it.

        :raises SchemaTooComplex: when there is no bound.
        """
        total = self._cost(self._tree.root, 0)
        done: set[int] = set()
        while more := [node for key, node in self._recursive.items() if key not in done]:
            for node in more:
                done.add(id(node))
                total = total.plus(self._cost(node, 0))
        return total

    def _cost(self, node: JSON, level: int) -> Cost:
        if not isinstance(node, dict):
            return Cost(1, _SUBSCHEMA_NS)
        key = id(node)
        if key in self._path:
            return self._back(node, level)
        if key not in self._known:
            return self._unfolded(node, level)
        return self._known[key]

    def _unfolded(self, node: JSONObject, level: int) -> Cost:
        key, place, outermost = id(node), len(self._path), self._outermost
        self._ways += key in self._unfolding
        self._unfolding.add(key)
        if self._ways > MAX_WAYS:
            raise SchemaTooComplex(f"its $ref lead to each other in more than {MAX_WAYS} ways")
        if place >= MAX_PATH:
            raise SchemaTooComplex(f"more than {MAX_PATH} subschemas are inside of each other")
        self._path[key], self._outermost = (place, level), MAX_PATH
        total = self._inner(node, level)
        del self._path[key]
        if self._outermost >= place:
            self._known[key], self._outermost = total, outermost
        else:
            self._outermost = min(outermost, self._outermost)
        return total

    def _back(self, node: JSONObject, level: int) -> Cost:
        place, its_level = self._path[id(node)]
        if its_level == level:
            raise SchemaTooComplex("a $ref leads back to itself without going into a property or an item")
        self._recursive[id(node)] = node
        self._outermost = min(self._outermost, place)
        return Cost(1, _SUBSCHEMA_NS + _REMEMBERED_NS)

    def _inner(self, node: JSONObject, level: int) -> Cost:
        total = self._own(node)
        times = 1 if _UNEVALUATED.isdisjoint(node) else _REPEATS
        for sub in self._tree.in_place(node):
            total = total.plus(self._cost(sub, level), times)
        for sub in all_of(node):
            total = total.plus(self._cost(sub, level + 1), times)
        if "propertyNames" in node:
            name = self._cost(node["propertyNames"], level + 1)
            total = total.plus(name._replace(value_ns=0, key_ns=name.value_ns))
        nearest = Cost()
        for sub in one_of(node):
            nearest = nearest.most(self._cost(sub, level + 1))
        return total.plus(nearest)

    def _own(self, node: JSONObject) -> Cost:
        value_ns, object_ns, key_ns, text_ns = _SUBSCHEMA_NS, 0, 0, 0
        for word, value in node.items():
            value_ns += _value_ns(word, value)
            object_ns += _NAME_NS * (length_of(value) if word in _NAMES else 0)
            key_ns += _SUBSCHEMA_NS * (word in _KEYS)
            text_ns += _TEXT_NS.get(word, 0)
        text_ns += sum(self._patterns.get(text, 0) for text in _patterns(node))
        return Cost(1, value_ns, object_ns, key_ns, text_ns, int(node.get("uniqueItems") is True))


def _value_ns(word: str, value: JSON) -> int:
    if word == "multipleOf":
        return _MULTIPLE_NS
    # Plain values of enum are looked up by their hash, objects and arrays compared one by one.
    compared = items_of(value) if word == "enum" else [value] if word == "const" else []
    if word == "dependentRequired":
        return _NAME_NS * sum(map(length_of, values_of(value)))
    return _ENUM_NS * sum(size_of(item) for item in compared if isinstance(item, dict | list))


def _patterns(node: JSONObject) -> Iterator[str]:
    if isinstance(pattern := node.get("pattern"), str):
        yield pattern
    # Once for the keys themselves, once for additionalProperties to know the others.
    yield from keys_of(node.get("patternProperties")) * 2
