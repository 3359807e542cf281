"""Levels of detail: each answer reads the rows of the coarsest level that tells enough apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Set
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

LEVELS: Mapping[str, frozenset[str]] = {
    "all": frozenset(),
    "models": frozenset({"provider", "model"}),
    "tenant": frozenset({"tenant"}),
    "agent": frozenset({"tenant", "agent"}),
    "user": frozenset({"tenant", "user"}),
    "model": frozenset({"tenant", "provider", "model"}),
    "detail": frozenset({"tenant", "agent", "user", "provider", "model"}),
}
"""What the rows of each level tell apart, the coarsest first."""

ROLLED: Mapping[str, tuple[str, ...]] = {
    level: ("day",) if "user" in told else ("day", "hour") for level, told in LEVELS.items()
}
"""The grains in which each level is kept: a user runs too little in an hour for sums to be fewer than logs."""

GRAINS: Mapping[str, timedelta] = {"day": timedelta(days=1), "hour": timedelta(hours=1)}
"""The lengths of time that rows sum, in UTC."""

Key = tuple[str, str, datetime, str | None, UUID | None, str, str | None, str | None, str, str | None]
"""What a row is about: level, grain, period_start, tenant, agent, user, provider, model, status, error."""


def level_for(dimensions: Set[str]) -> str:
    """The coarsest level that tells these apart."""
    return next(name for name, told in LEVELS.items() if told >= dimensions)


def begin_of(grain: str, time: datetime) -> datetime:
    """The begin of the hour or day that a time is in."""
    hour = time.replace(minute=0, second=0, microsecond=0)
    return hour if grain == "hour" else hour.replace(hour=0)


def keys_of(log: Any) -> list[Key]:
    """The rows that count a log."""
    error = log.error if log.status != "success" else None
    begins = {grain: begin_of(grain, log.at) for grain in GRAINS}
    return [
        (
            level,
            grain,
            begins[grain],
            log.tenant_id if "tenant" in told else None,
            log.agent_id if "agent" in told else None,
            log.user_id if "user" in told else "",
            log.provider if "provider" in told else None,
            log.model if "model" in told else None,
            log.status,
            error,
        )
        for level, told in LEVELS.items()
        for grain in ROLLED[level]
    ]


def id_of(key: Key) -> UUID:
    """The id of the row with this key."""
    text = _encode(key)  # and not joined by some character, which a client's words may hold
    return UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=5)


_encode = json.JSONEncoder(default=str).encode
