"""What a request asks of the figures, and how the document describes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ...errors import BadRequest
from .period import DEFAULT, NAMED, NAMES, Period
from .reports import KEYS, MOST_ROWS
from .steps import STEPS
from .which import SOURCES


def period_of(args: Mapping[str, str], zone: str) -> Period:
    """``last=30d`` with all of today, ``last=24h`` with all of this hour, or exactly what is named otherwise.

    :param zone: whose days these are.
    :raises BadRequest: for anything else.
    """
    period = Period.parse(args)
    return period if args.keys() & NAMED else Period.recent(args.get("last", DEFAULT), zone=zone)


def options_of(args: Mapping[str, str], *known: str) -> dict[str, Any]:
    """The parameters beside the period, as the service takes them.

    :raises BadRequest: for unknown ones and for values that cannot be read.
    """
    if unknown := args.keys() - {*NAMES, *known}:
        raise BadRequest(
            f"{min(unknown)[:50]!r} is no parameter here.", hint=f"Use {', '.join([*NAMES, *known])}."
        )
    return {name: _READERS.get(name, str)(_plain(name, args[name])) for name in known if name in args}


def _plain(name: str, text: str) -> str:
    """Return the value of ``agent_id=eq.<id>``, as lists write it, or of the plain ``agent_id=<id>``."""
    return text.removeprefix("eq.") if name in _FILTERS else text


def _agent_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BadRequest(f"agent_id={text[:40]!r} is no id.", hint="GET /ai_agents lists yours.") from error


def _top(text: str) -> int:
    if re.fullmatch("[0-9]{1,4}", text, re.ASCII) is None:
        raise BadRequest(f"top={text[:20]} is no number in range.", hint=f"Ask for 1 to {MOST_ROWS}.")
    return int(text)


_READERS = {"agent_id": _agent_id, "top": _top}

_FILTERS = frozenset({"agent_id", "user_id", "source"})
"""Parameters that accept the operator of lists, too."""


def _query(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string"} | schema}


PERIOD = [
    _query(
        "last",
        "The last minutes; or hours, days or weeks, as in `30d`, whole ones with the present one.",
        pattern="^[0-9]{1,5}[mhdw]$",
    ),
    _query("from", "Or from this time;", format="date-time"),
    _query("to", "up to this one, which is not in it.", format="date-time"),
    _query("period", "Or an interval of ISO 8601: `2026-11-01/2026-11-15`, `P7D/2026-11-15`, `2026-11-01/P7D`."),
]

AGENT = _query("agent_id", "Only this agent: its id, or `eq.` and its id as in lists.")
USER = _query("user_id", "Only this user, in the same two forms; a user sees its own activity alone.")
SOURCE = _query(
    "source",
    "`system`: executions that this system ran; `client`: those that clients reported; `all`: both, and those "
    "of unknown source.",
    enum=list(SOURCES),
    default="all",
)
NARROWED = ("agent_id", "user_id", "source")
"""The names of parameters that narrow every answer."""

WHOSE = [AGENT, USER, SOURCE]
STEP = _query("step", "How long a step is; hours are those of UTC.", enum=list(STEPS), default="day")
ZONE = _query("zone", "Whose days, weeks and months these are: `Europe/Berlin`; one's own by default, or UTC.")
BY = _query("by", "What to tell apart; `tenant` is for super admins.", enum=list(KEYS), default="agent")


def top(default: int) -> dict[str, Any]:
    """How many rows."""
    return _query("top", "So many rows at most.", type="integer", minimum=1, maximum=MOST_ROWS, default=default)
