"""Read fields of a provider's JSON whatever their types are: what is not as expected is empty."""

from __future__ import annotations

import json
from typing import Any

from ...types import JSONObject


def mapping(value: Any) -> JSONObject:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any, most: int) -> list[JSONObject]:
    """The objects of an array, at most so many items looked at."""
    return [item for item in value[:most] if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """The string, or an empty one."""
    return value if isinstance(value, str) else ""


def first_text(*values: Any) -> str:
    """The first string that is not empty."""
    return next((value for value in values if isinstance(value, str) and value), "")


def whole(value: Any) -> int | None:
    """The integer, also where it is written as ``10.0``."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else None


def arguments(value: Any) -> str:
    """The arguments of a tool call as JSON text, whether they came as text, as an object or not at all."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
