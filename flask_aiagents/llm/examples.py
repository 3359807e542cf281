"""Make a value that fits a simple JSON Schema, within a bounded size."""

from __future__ import annotations

from ..types import JSON, JSONObject
from .text import dump_json

MAX_CHARACTERS = 65_536
"""Longest example, roughly, in characters of JSON: schemas may ask for values of any length."""

_MAX_DEPTH = 16
_PLAIN = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}


def example(schema: JSONObject, root: JSONObject | None = None) -> tuple[JSON, bool]:
    """The same value for the same schema, and whether all that the schema asks for had room.

    :param root: the schema whose ``$defs`` the references name, where it is another.
    """
    maker = _Maker(schema if root is None else root)
    value = maker.make(schema, 0)
    return value, maker.room > 0


class _Maker:
    def __init__(self, root: JSONObject) -> None:
        self._root = root
        self.room = MAX_CHARACTERS

    def make(self, schema: JSON, depth: int) -> JSON:
        self.room -= 2
        if depth > _MAX_DEPTH or self.room <= 0 or not isinstance(schema, dict):
            return None
        if (name := str(schema.get("$ref", ""))).startswith("#/$defs/"):
            return self.make(self._root.get("$defs", {}).get(name.removeprefix("#/$defs/"), {}), depth + 1)
        for key in ("const", "default"):
            if key in schema:
                return self._copied(schema[key])
        for key in ("enum", "examples"):
            if schema.get(key):
                return self._copied(schema[key][0])
        for key in ("anyOf", "oneOf", "allOf"):
            if schema.get(key):
                return self.make(schema[key][0], depth + 1)
        return self._of_type(schema, depth)

    def _copied(self, value: JSON) -> JSON:
        self.room -= len(dump_json(value))
        return value if self.room > 0 else None

    def _of_type(self, schema: JSONObject, depth: int) -> JSON:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        match kind[0] if isinstance(kind, list) else kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer" | "number" as number:
                return self._copied(_number(schema, number))
            case "string":
                return self._string(schema)
            case other:
                return self._copied(_PLAIN.get(other))

    def _object(self, schema: JSONObject, depth: int) -> JSONObject:
        made: JSONObject = {}
        for name, part in schema.get("properties", {}).items():
            if self.room <= 0:
                break
            self.room -= len(dump_json(name)) + 2
            made[name] = self.make(part, depth + 1)
        return made

    def _array(self, schema: JSONObject, depth: int) -> list[JSON]:
        made: list[JSON] = []
        while len(made) < max(1, schema.get("minItems", 1)) and self.room > 0:
            made.append(self.make(schema.get("items") or {}, depth + 1))
        return made

    def _string(self, schema: JSONObject) -> str:
        wanted = schema.get("minLength", 0)
        text = "text".ljust(int(min(wanted, max(self.room, 0))), "x")
        self.room -= max(len(text), wanted)
        return text[: int(schema["maxLength"])] if "maxLength" in schema else text


def _number(schema: JSONObject, kind: str) -> JSON:
    if "minimum" in schema:
        return schema["minimum"]
    if "exclusiveMinimum" in schema:
        return schema["exclusiveMinimum"] + 1
    return min(_PLAIN[kind], schema.get("maximum", _PLAIN[kind]))
