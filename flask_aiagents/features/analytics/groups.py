"""Logs grouped by the rows that count them, and those rows written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from ...core.tenancy import TenantSession
from .figures import Figures
from .levels import GRAINS, LEVELS, Key, id_of, keys_of
from .models import Usage

_AT_ONCE = 500
"""Rows that one statement names."""


class Groups(defaultdict[Key, Figures]):
    """What rows count, by what they are about."""

    def __init__(self) -> None:
        super().__init__(Figures)


def group(logs: Iterable[Any], groups: Groups) -> None:
    """Count logs into their groups."""
    for log in logs:
        for key in keys_of(log):
            groups[key].add(log)


def merge_present(session: TenantSession, groups: Groups) -> None:
    """Add what the rows hold already, and take them away: they are written anew."""
    by_id = {id_of(key): figures for key, figures in groups.items()}
    for ids in _chunks(by_id):
        for row in session.execute(sa.select(*_SUMS).where(Usage.id.in_(ids))):
            by_id[row.id].add(row)
        gone = sa.delete(Usage).where(Usage.id.in_(ids)).execution_options(synchronize_session=False)
        session.execute(gone)


def insert(session: TenantSession, groups: Groups) -> None:
    """Write the rows."""
    for keys in _chunks(groups):
        session.insert_rows(Usage, [_row(key, groups[key]) for key in keys])


def erase(session: TenantSession, start: datetime, end: datetime) -> None:
    """Take away all rows of a time."""
    session.execute(
        sa.delete(Usage)
        .where(Usage.level.in_(LEVELS), Usage.grain.in_(GRAINS))  # what the index begins with
        .where(Usage.period_start >= start, Usage.period_start < end)
        .execution_options(synchronize_session=False)
    )


_SUMS = [column for column in Usage.__table__.columns if column.name not in ("tenant_id", "user_id")]


def _row(key: Key, figures: Figures) -> dict[str, Any]:
    names = ("level", "grain", "period_start", "tenant_id", "agent_id", "user_id")
    names = (*names, "provider", "model", "status", "error")
    return {
        "id": id_of(key),
        **dict(zip(names, key, strict=True)),
        "executions": figures.executions,
        "tokens_used": figures.tokens_used,
        "input_tokens": figures.input_tokens,
        "output_tokens": figures.output_tokens,
        "cached_tokens": figures.cached_tokens,
        "cost_usd": figures.cost(),
        "unpriced": figures.unpriced,
        "timed": figures.timed,
        "duration_sum_ms": figures.duration_sum_ms,
        "durations": {str(number): count for number, count in figures.durations.items()},
        "last_used_at": figures.last_used_at,
    }


def _chunks(keys: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(list(keys))
    while some := list(islice(rest, _AT_ONCE)):
        yield some
