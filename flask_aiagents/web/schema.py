"""The base of our marshmallow schemas: what is not declared is refused, and the nearest name is offered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from typing import Any

import marshmallow as ma

from ..errors import Invalid

MOST_TOLD = 20
"""Report at most this many invalid fields of an object."""

MOST_ADVISED = 20
"""Offer the nearest known name for at most this many unknown ones of a request; finding it takes up to a tenth of
a millisecond. The others are reported without advice."""

MAX_ADVISED_LENGTH = 64
"""Characters of the longest unknown name that is compared with the known ones."""

_places: ContextVar[Iterator[int] | None] = ContextVar("aiagents_advice", default=None)


@contextmanager
def limited_advice() -> Iterator[None]:
    """Share one limit of :data:`MOST_ADVISED` among all that is loaded inside."""
    if _places.get() is not None:
        yield
        return
    token = _places.set(iter(range(MOST_ADVISED)))
    try:
        yield
    finally:
        _places.reset(token)


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
        with limited_advice():
            for messages in (item for item in items if isinstance(item, dict)):
                for key in list(messages)[MOST_TOLD:]:
                    del messages[key]
                for key, found in messages.items():
                    if found == [unknown]:
                        messages[key] = [self._advice(str(key))]

    def _advice(self, key: str) -> str:
        if key in self.fields:
            return "Set by the system; leave it out."
        if len(key) > MAX_ADVISED_LENGTH or next(_places.get() or iter(()), None) is None:
            return "Unknown field."
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
        with limited_advice():
            return schema.load(data, many=many)
    except ma.ValidationError as error:
        raise Invalid("Some fields are wrong.", details=error.normalized_messages()) from error
