"""Logs grouped by the rows that count them, and those rows written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from ...core.tenancy import TenantSession
from ...core.tenancy.bulk import plain, recordset
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


def add_present(session: TenantSession, groups: Groups) -> None:
    """Add what the rows hold already."""
    by_id = {id_of(key): figures for key, figures in groups.items()}
    for ids in _chunks(by_id):
        for row in session.execute(sa.select(*_SUMS).where(Usage.id.in_(ids))):
            by_id[row.id].add(row)


def write(session: TenantSession, groups: Groups) -> None:
    """Write the rows, over those that are there."""
    connection = session.connection()
    for keys in _chunks(groups):
        rows = [_row(key, groups[key]) for key in keys]
        if connection.dialect.name == "postgresql":
            statement, parameters = recordset(_TABLE, rows, connection.dialect)
            connection.execute(sa.text(statement.text + _OVER["postgresql"]), parameters)
        else:
            text, tuples = plain(_TABLE, rows, connection.dialect)
            connection.exec_driver_sql(text + _OVER[connection.dialect.name], tuples)


def erase(session: TenantSession, start: datetime, end: datetime) -> None:
    """Take away all rows of a time."""
    session.execute(
        sa.delete(Usage)
        .where(Usage.level.in_(LEVELS), Usage.grain.in_(GRAINS))  # what the index begins with
        .where(Usage.period_start >= start, Usage.period_start < end)
        .execution_options(synchronize_session=False)
    )


_TABLE: sa.Table = Usage.__table__  # pyright: ignore[reportAssignmentType]

_CHANGING = [
    *("executions", "tokens_used", "input_tokens", "output_tokens", "cached_tokens", "cost_usd"),
    *("unpriced", "timed", "duration_sum_ms", "durations", "last_used_at"),
]
_EXCLUDED = " ON CONFLICT (id) DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in _CHANGING)
_DUPLICATE = " ON DUPLICATE KEY UPDATE " + ", ".join(f"{name} = VALUES({name})" for name in _CHANGING)
_OVER = {"postgresql": _EXCLUDED, "sqlite": _EXCLUDED, "mysql": _DUPLICATE, "mariadb": _DUPLICATE}

_SUMS = [column for column in _TABLE.columns if column.name in ("id", "status", "error", *_CHANGING)]


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
