"""A log's id begins with its time, and the log is kept in parts by id: whoever asks for a time means ids, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from ...core.clock import uuid7_from
from ...web.filtering import Filter, Term
from ...web.selecting import Condition
from .columns import COLUMNS
from .models import ActivityLog

_MILLISECOND = 1 << 80
"""A millisecond, as a UUIDv7 counts."""


def id_bounds(terms: Iterable[Term]) -> Iterator[Condition]:
    """What filters on ``created_at`` say of ids, so that PostgreSQL reads the months that it must, no others."""
    for term in terms:
        if not isinstance(term, Filter) or term.column != "created_at" or term.negated:
            continue
        if term.operator in ("gt", "gte", "eq"):
            yield ActivityLog.id >= uuid7_from(_time(term))
        if term.operator in ("lt", "lte", "eq"):
            yield ActivityLog.id < UUID(int=uuid7_from(_time(term)).int + _MILLISECOND)


def _time(term: Filter) -> datetime:
    return COLUMNS["created_at"].parse(term.value)
