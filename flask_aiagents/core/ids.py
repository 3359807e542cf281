"""Ids: those of our rows, which are UUIDs, and those of the host's users and tenants, which are text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias
from uuid import UUID

from ..errors import Forbidden, NotFound
from ..types import Id

USER_LENGTH = 255
"""Longest user id, in characters; the columns that hold one are as wide."""

TENANT_LENGTH = 128
"""Longest tenant id, in characters; the columns that hold one are as wide."""

HostId: TypeAlias = str | int | UUID
"""A user or tenant id as hosts have it; we keep it as text."""

_SHOWN = 40


class InvalidId(Forbidden, ValueError):
    """A user or tenant id of the host that cannot be used: a login or an API key with it is answered by a 403."""


def parse_id(value: Id) -> UUID | None:
    """Return the id of a row, or None for what is no UUID."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        return None


def known_id(value: Id, absent: Callable[[Id], NotFound]) -> UUID:
    """Return the id of a row. No row has a malformed one, so that is answered like an absent id.

    :param absent: makes the error, as for an id that no row has.
    :raises NotFound: for a malformed id.
    """
    if (parsed := parse_id(value)) is None:
        raise absent(str(value)[:_SHOWN])
    return parsed


def host_id(value: object, name: str, longest: int) -> str:
    """Return an id of the host's as text; numbers become strings.

    :param name: what the error calls it, such as ``user_id``.
    :raises InvalidId: for another type, an overlong id, one with blanks around it, and one that databases
        cannot store. Blanks around ids are refused since no two databases compare them alike: to MariaDB
        ``'acme '`` is ``'acme'``.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, UUID)):
        raise InvalidId(f"{name} {value!r:.{_SHOWN}} is a {type(value).__name__}.", hint="Use a str or an int.")
    text = str(value)
    if problem := _problem(text, longest):
        raise InvalidId(
            f"The {name} {text[:_SHOWN]!r} {problem}.",
            hint=f"Use ids of 1 to {longest} characters without blanks around them.",
        )
    return text


def _problem(text: str, longest: int) -> str | None:
    if len(text) > longest:
        return f"has {len(text)} characters, more than {longest}"
    if text != text.strip():
        return "begins or ends with a blank"
    if not text.isprintable() and any(ch == "\0" or "\ud800" <= ch <= "\udfff" for ch in text):
        return "contains a NUL character or a lone surrogate"
    return None
