"""Rows of one form, whether they are sums, single logs, or logs that are alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ...core.columns import JSONB
from ..activity.models import ActivityLog
from .histogram import bucket_in_sql
from .models import Usage
from .which import ALWAYS, SAME

_AT_ONCE = 1_000
"""Logs that are in memory where they are read one by one."""

_ADDED = ("tokens_used", "input_tokens", "output_tokens", "cost_usd")

USAGE = (
    Usage.grain,
    Usage.period_start.label("at"),
    *(getattr(Usage, name) for name in (*SAME, "executions", *_ADDED, "unpriced", "timed")),
    Usage.duration_sum_ms,
    Usage.durations,
    Usage.last_used_at,
)
"""A sum."""

_SUMMED = (
    *(sa.func.sum(getattr(Usage, name)).label(name) for name in ("executions", *_ADDED, "unpriced", "timed")),
    sa.func.sum(Usage.duration_sum_ms).label("duration_sum_ms"),
    sa.func.jsonb_agg(Usage.durations, type_=JSONB).label("durations"),
    sa.func.max(Usage.last_used_at).label("last_used_at"),
)

_UNPRICED = sa.case((ActivityLog.unpriced.is_(True), 1), else_=0)

LOG = (
    sa.null().label("grain"),
    ActivityLog.created_at.label("at"),
    *(getattr(ActivityLog, name) for name in SAME),
    # Of the same type as the sums': PostgreSQL else reads whole rows for a union of both, and no index alone.
    sa.cast(sa.literal(1), sa.BigInteger).label("executions"),
    *(getattr(ActivityLog, name) for name in _ADDED),
    _UNPRICED.label("unpriced"),
    sa.case((ActivityLog.duration_ms.is_not(None), 1), else_=0).label("timed"),
    ActivityLog.duration_ms.label("duration_sum_ms"),
    sa.null().label("durations"),
    ActivityLog.created_at.label("last_used_at"),
)
"""A log."""

_SUMS = (
    sa.func.count().label("executions"),
    *(sa.func.sum(getattr(ActivityLog, name)).label(name) for name in _ADDED),
    sa.func.sum(_UNPRICED).label("unpriced"),
    sa.func.count(ActivityLog.duration_ms).label("timed"),
    sa.func.sum(ActivityLog.duration_ms).label("duration_sum_ms"),
    sa.null().label("durations"),
    sa.func.max(ActivityLog.created_at).label("last_used_at"),
)


def sums(dialect: str, columns: Sequence[str], *apart: sa.ColumnElement[Any]) -> sa.Select[*tuple[Any, ...]]:
    """Sums: on PostgreSQL those that are alike as one row with all of their durations, elsewhere one by one.

    :param columns: what is told apart, and...
    :param apart: ...what else, such as the time.
    """
    if dialect != "postgresql":
        return sa.select(*USAGE)
    told = {name: getattr(Usage, name) for name in SAME if name in (*columns, *ALWAYS)}
    same = (told[name] if name in told else sa.null().label(name) for name in SAME)
    row = sa.select(sa.func.min(Usage.grain).label("grain"), sa.func.min(Usage.period_start).label("at"))
    return row.add_columns(*same, *_SUMMED).group_by(*apart, *told.values())


def logs(dialect: str, columns: Sequence[str], *apart: sa.ColumnElement[Any]) -> sa.Select[*tuple[Any, ...]]:
    """Logs: those that are alike as one row, whose durations share a bucket; of SQLite, which may have no
    logarithms and whose sums end at 2^63, one by one.

    :param columns: what is told apart, and...
    :param apart: ...what else, such as the time.
    """
    if dialect == "sqlite":
        return sa.select(*LOG).execution_options(yield_per=_AT_ONCE)
    told = {name: getattr(ActivityLog, name) for name in SAME if name in (*columns, *ALWAYS)}
    same = (told[name] if name in told else sa.null().label(name) for name in SAME)
    row = sa.select(sa.null().label("grain"), sa.func.min(ActivityLog.created_at).label("at"), *same, *_SUMS)
    return row.group_by(*apart, *told.values(), bucket_in_sql(ActivityLog.duration_ms))


def hour_of(dialect: str) -> sa.ColumnElement[Any]:
    """The hour of a log, in UTC, to group by."""
    if dialect == "postgresql":
        return sa.func.floor(sa.extract("epoch", ActivityLog.created_at) / 3600)
    return sa.func.date_format(ActivityLog.created_at, "%Y%m%d%H")
