"""Aliases that several floors share."""

from __future__ import annotations

from typing import Any, TypeAlias

JSON: TypeAlias = Any
"""A value that ``json.loads`` can return."""

JSONObject: TypeAlias = dict[str, Any]
"""A JSON object: string keys, JSON values."""
