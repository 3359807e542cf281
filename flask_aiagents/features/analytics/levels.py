"""Levels of detail: each answer reads the rows of the coarsest level that tells enough apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Set
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from ..activity.models import Source

LEVELS: Mapping[str, frozenset[str]] = {
    "all": frozenset(),
    "models": frozenset({"provider", "model"}),
    "tenant": frozenset({"tenant"}),
    "agent": frozenset({"tenant", "agent"}),
    "user": frozenset({"tenant", "user"}),
    "model": frozenset({"tenant", "provider", "model"}),
    "actions": frozenset({"action"}),
    "action": frozenset({"tenant", "action"}),
    "detail": frozenset({"tenant", "agent", "user", "provider", "model", "action"}),
}
"""What the rows of each level tell apart, the coarsest first. Those that tell actions apart count all that is
logged, the others executions alone."""

ROLLED: Mapping[str, tuple[str, ...]] = {
    level: ("day",) if level == "detail" else ("week", "day", "hour") for level in LEVELS
}
"""The grains in which each level is kept, the longest first: in an hour too little is alike in every detail for
sums to be fewer than logs."""

GRAINS: Mapping[str, timedelta] = {
    "week": timedelta(weeks=1),
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
}
"""The lengths of time that rows sum, in UTC; weeks begin on Monday."""

_SYSTEM = Source.SYSTEM.value

Key = tuple[
    str, str, datetime, str | None, UUID | None, str, str | None, str | None, str, str | None, str | None, str
]
"""What a row is about: the values of :data:`KEY`."""

KEY = (
    *("level", "grain", "period_start", "tenant_id", "agent_id", "user_id"),
    *("provider", "model", "status", "error", "action", "source"),
)
"""The columns that make a row the one that it is. What a level does not tell apart is None, or '' of a user;
status, error and source are told apart by all."""


def level_for(dimensions: Set[str]) -> str:
    """The coarsest level that tells these apart."""
    return next(name for name, told in LEVELS.items() if told >= dimensions)


def begin_of(grain: str, time: datetime) -> datetime:
    """The begin of the hour, day or week that a time is in."""
    hour = time.replace(minute=0, second=0, microsecond=0)
    if grain == "hour":
        return hour
    day = hour.replace(hour=0)
    return day if grain == "day" else day - timedelta(days=day.weekday())


def id_of(key: Key) -> UUID:
    """The id of the row with this key."""
    *told, action, source = key
    if action is not None:  # rows are older than their action...
        told.append(action)
    text = f"[{', '.join(map(_word, told))}]"  # and not joined by some character, which a client's words may hold
    if source != _SYSTEM:  # ...and than their source
        text = source + text
    return UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=5)


@lru_cache(maxsize=65_536)
def _word(value: object) -> str:
    return json.dumps(value, default=str)
