"""Walk the subschemas of a JSON Schema: where each keyword leads, and where references point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from ..types import JSON, JSONObject

REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
"""Keywords that apply another subschema to the same value."""


class DanglingReference(ValueError):
    """A reference points to nothing, or to more than one place."""


class SchemaTree:
    """A schema whose references all point into itself.

    :raises DanglingReference: when an anchor stands in two places.
    """

    def __init__(self, root: JSONObject) -> None:
        self.root = root
        self._anchors = _anchors(root)

    def subschemas(self) -> Iterator[JSONObject]:
        """Every subschema that can be applied, each once.

        :raises DanglingReference: when a reference points to nothing.
        """
        seen: set[int] = set()
        waiting: list[JSON] = [self.root]
        while waiting:
            node = waiting.pop()
            if isinstance(node, dict) and id(node) not in seen:
                seen.add(id(node))
                yield node
                waiting += [*self.in_place(node), *one_of(node), *all_of(node)]
                waiting += [node["propertyNames"]] if "propertyNames" in node else []

    def in_place(self, node: JSONObject) -> Iterator[JSON]:
        """The subschemas that a keyword applies to the same value."""
        for word, value in node.items():
            if word in REFERENCES and isinstance(value, str):
                yield self._target(value)
            elif word in _IN_PLACE:
                yield from _IN_PLACE[word](value)

    def _target(self, reference: str) -> JSON:
        name = unquote(reference.removeprefix("#"))
        if name in self._anchors:
            return self._anchors[name]
        found: JSON = self.root
        try:
            for part in name.split("/")[1:] if name else ():
                part = part.replace("~1", "/").replace("~0", "~")
                found = found[int(part)] if isinstance(found, list) else found[part]
        except (KeyError, IndexError, ValueError, TypeError):
            raise DanglingReference(f"{reference[:80]!r} points to nothing in the schema") from None
        return found


def one_of(node: JSONObject) -> Iterator[JSON]:
    """The subschemas of which at most one applies to each value inside."""
    for word, value in node.items():
        if word in _ONE_INSIDE:
            yield from _ONE_INSIDE[word](value)


def all_of(node: JSONObject) -> Iterator[JSON]:
    """The subschemas that may all apply to one value inside."""
    for word, value in node.items():
        if word in _ALL_INSIDE:
            yield from _ALL_INSIDE[word](value)


def nodes_of(value: JSON) -> Iterator[JSON]:
    """A JSON value and every value inside of it."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, dict | list):
            waiting += node.values() if isinstance(node, dict) else node


def size_of(value: JSON) -> int:
    """How many values there are."""
    return sum(1 for _ in nodes_of(value))


def length_of(value: JSON) -> int:
    """The entries of an object or an array; other values have none."""
    return len(value) if isinstance(value, dict | list) else 0


def items_of(value: JSON) -> list[Any]:
    """The items of an array; other values have none."""
    return value if isinstance(value, list) else []


def values_of(value: JSON) -> list[Any]:
    """The values of an object; other values have none."""
    return list(value.values()) if isinstance(value, dict) else []


def keys_of(value: JSON) -> list[str]:
    """The keys of an object; other values have none."""
    return list(value) if isinstance(value, dict) else []


def _itself(value: JSON) -> list[Any]:
    return [value]


_IN_PLACE: dict[str, Callable[[JSON], list[Any]]] = {
    **dict.fromkeys(("allOf", "anyOf", "oneOf"), items_of),
    **dict.fromkeys(("not", "if", "then", "else"), _itself),
    **dict.fromkeys(("dependentSchemas", "dependencies"), values_of),
}
"""How to read the subschemas of keywords that apply them to the same value."""

_ONE_INSIDE: dict[str, Callable[[JSON], list[Any]]] = {
    "properties": values_of,
    "prefixItems": items_of,
    "items": _itself,
}

_ALL_INSIDE: dict[str, Callable[[JSON], list[Any]]] = {
    "patternProperties": values_of,
    **dict.fromkeys(("additionalProperties", "unevaluatedProperties", "unevaluatedItems"), _itself),
    **dict.fromkeys(("additionalItems", "contains"), _itself),
}


def _anchors(schema: JSON) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    for node in nodes_of(schema):
        for word in ("$anchor", "$dynamicAnchor") if isinstance(node, dict) else ():
            if isinstance(name := node.get(word), str) and found.setdefault(name, node) is not node:
                raise DanglingReference(f"the anchor {name[:80]!r} stands in two places")
    return found
