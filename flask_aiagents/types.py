"""Aliases that several floors share."""

from __future__ import annotations

from typing import Any, TypeAlias
from uuid import UUID

JSON: TypeAlias = Any
"""A value that ``json.loads`` can return."""

JSONObject: TypeAlias = dict[str, Any]
"""A JSON object: string keys, JSON values."""

Id: TypeAlias = UUID | str
"""The id of a row, as services accept it; a malformed one is answered like an absent one."""
