"""The base of our marshmallow schemas: what is not declared is refused, and the nearest name is offered."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import marshmallow as ma

from ..errors import Invalid

MOST_TOLD = 20
"""Of how many fields it is told what is wrong with them: advice costs more than the key it is for."""


class StrictSchema(ma.Schema):
    """Refuses unknown keys by name, and keys that only the system sets."""

    class Meta:
        unknown = ma.RAISE

    error_messages = {"type": "Send a JSON object."}  # noqa: RUF012  # marshmallow reads it as a plain dict

    def handle_error(self, error: ma.ValidationError, data: Any, *, many: bool, **_: Any) -> None:
        """Say what to do about each refused key, in place of marshmallow's "Unknown field."."""
        if not isinstance(error.messages, dict):
            return
        unknown = self.error_messages["unknown"]
        items = error.messages.values() if many else [error.messages]
        for messages in (item for item in items if isinstance(item, dict)):
            for key in list(messages)[MOST_TOLD:]:
                del messages[key]
            for key, found in messages.items():
                if found == [unknown]:
                    messages[key] = [self._advice(str(key))]

    def _advice(self, key: str) -> str:
        if key in self.fields:
            return "Set by the system; leave it out."
        near = get_close_matches(key, self.load_fields, n=1)
        return (
            f"Unknown field; did you mean {near[0]!r}?"
            if near
            else (f"Unknown field; the known ones are {', '.join(sorted(self.load_fields))}.")
        )


def load(schema: ma.Schema, data: Any, *, many: bool = False) -> Any:
    """What the schema makes of the data.

    :raises Invalid: with the messages of every wrong field.
    """
    try:
        return schema.load(data, many=many)
    except ma.ValidationError as error:
        raise Invalid("Some fields are wrong.", details=error.normalized_messages()) from error
