"""Ways to ask a provider for an answer that fits a JSON Schema."""

from __future__ import annotations

from typing import Any

from ...types import JSON, JSONObject
from ..text import dump_json

_MAX_DEPTH = 64

_PLAIN = frozenset({"string", "number", "integer", "boolean", "null", "array"})
_STRICT_KEYS = frozenset({"type", "properties", "required", "additionalProperties", "items", "enum", "const"})
_NOTES = frozenset({"title", "description"})


def instruction(schema: JSONObject) -> str:
    """Return the words that ask for it where a provider knows no schemas."""
    return (
        "Answer with JSON only, without any text or code fence around it. "
        f"The JSON must be valid against this JSON Schema:\n{dump_json(schema)}"
    )


def system_prompt(prompt: str | None, schema: JSONObject | None) -> str | None:
    """Return the system prompt, with the instruction for a schema after it."""
    if schema is None:
        return prompt
    return "\n\n".join(part for part in (prompt, instruction(schema)) if part)


def repair_request(problem: str) -> str:
    """Return the words that ask a model to correct an answer."""
    return f"Your answer does not fit the JSON Schema: {problem}. Answer again, with the corrected JSON only."


def is_strict(schema: JSON, depth: int = 0) -> bool:
    """Return whether OpenAI's strict mode takes the schema: closed objects that require all their properties."""
    if not isinstance(schema, dict) or depth > _MAX_DEPTH or not schema.keys() <= _STRICT_KEYS | _NOTES:
        return False
    if schema.get("type") == "object":
        return _is_closed(schema) and all(is_strict(part, depth + 1) for part in schema["properties"].values())
    if depth == 0 or not _is_plain(schema.get("type")):
        return False
    return schema.get("type") != "array" or is_strict(schema.get("items"), depth + 1)


def _is_closed(schema: JSONObject) -> bool:
    properties = schema.get("properties")
    closed = isinstance(properties, dict) and schema.get("additionalProperties") is False
    return closed and sorted(properties or ()) == sorted(schema.get("required", ()))


def _is_plain(kind: Any) -> bool:
    kinds = kind if isinstance(kind, list) else [kind]
    return bool(kinds) and all(isinstance(name, str) and name in _PLAIN for name in kinds)
