"""What is asked of the sums and of the log.

Each statement is made once for all that differ in values alone: to make it, and to look at what it touches, takes
longer than the database needs for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from ...core.clock import uuid7_from
from ..activity.models import ActivityLog, SealedDay, UnrolledLog
from .cover import Cover, Span
from .models import Usage
from .rows import LOG, hour_of, logs, sums
from .which import SAME, Which

_KEPT = 256
"""Statements of one kind that are kept: more than dashboards have."""

_FEW = 4
"""Bounds between which the database adds sums up; between more, each sum is a row."""

SPANS = 50
"""Spans that one statement names; of more it reads all that is between, and what is too much is left out after."""

SEALED = sa.select(SealedDay.day).where(SealedDay.day.in_(sa.bindparam("days", expanding=True)))
"""Those of some days of which logs have left."""


Counts = tuple[tuple[str, int], ...]
"""How many spans there are of each grain."""


def counts(spans: Mapping[str, Sequence[Span]]) -> Counts:
    """How many spans these are."""
    return tuple((grain, len(some)) for grain, some in spans.items())


def span_values(**spans: Iterable[Span]) -> dict[str, Any]:
    """The values of the parameters that these statements have for spans, by the name of these."""
    values: dict[str, Any] = {}
    for name, some in spans.items():
        for number, (start, end) in enumerate(some):
            values |= {f"{name}{number}_start": start, f"{name}{number}_end": end}
            values |= {f"{name}{number}_first": uuid7_from(start), f"{name}{number}_last": uuid7_from(end)}
    return values


def bound_values(bounds: Sequence[datetime]) -> dict[str, datetime]:
    """The same for bounds, as long as they are few."""
    return {f"bound{number}": bound for number, bound in enumerate(bounds)} if len(bounds) <= _FEW else {}


def whole_spans(parts: Cover) -> dict[str, list[Span]]:
    """The whole weeks, days and hours that one statement names."""
    return {
        grain: spans if len(spans) <= SPANS else [(spans[0][0], spans[-1][1])]
        for grain, spans in parts.whole.items()
    }


@lru_cache(maxsize=_KEPT)
def rolled_and_unrolled(dialect: str, meant: Which, bounds: int, whole: Counts) -> sa.Executable:
    """What the sums of some spans have, and what they do not have yet, of the span ``all``.

    One statement, so that what is rolled up meanwhile is seen exactly once.

    :param bounds: how many of :func:`bound_values` there are.
    """
    spans = (_in_span(grain, number) for grain, count in whole for number in range(count))
    rolled = sums(dialect, meant.columns, *_steps(bounds)).where(*meant.conditions(Usage), sa.or_(*spans))
    unrolled = _unrolled(logs(dialect, meant.columns, hour_of(dialect)))
    return sa.union_all(rolled, unrolled.where(*meant.conditions(ActivityLog), _logged("all", 0)))


@lru_cache(maxsize=_KEPT)
def raw(dialect: str, meant: Which, spans: int) -> sa.Select[*tuple[Any, ...]]:
    """What the log has of the spans ``raw``."""
    number = sa.case(*((ActivityLog.id < sa.bindparam(f"raw{index}_last"), index) for index in range(spans)))
    some = logs(dialect, meant.columns, number)
    return some.where(*meant.conditions(ActivityLog), sa.or_(*_all_logged("raw", spans)))


@lru_cache(maxsize=_KEPT)
def slim(meant: Which, besides: Sequence[str], whole: Counts, raws: int) -> sa.Subquery:
    """The same rows of one span, for the database to count: what they are about, how many and when last.

    Its whole weeks, days and hours are one span, too, named ``all``.

    :param besides: further sums, which no index holds.
    """
    wanted = {*SAME, "executions", "last_used_at", *besides}
    names = [column.key for column in LOG if column.key in wanted]
    rolled = sa.select(*(getattr(Usage, name) for name in names)).where(*meant.conditions(Usage))
    some = sa.select(*(column for column in LOG if column.key in wanted)).where(*meant.conditions(ActivityLog))
    spans = [(grain, number) for grain, count in whole for number in range(count)]
    # Each span is a SELECT of its own: for alternatives PostgreSQL reads rows, though an index holds all of it.
    found: list[Any] = [rolled.where(_in_span(*span)) for span in spans]
    if spans:
        found.append(_unrolled(some).where(_logged("all", 0)))
    if raws or not found:
        found.append(some.where(sa.or_(sa.false(), *_all_logged("raw", raws))))
    return sa.union_all(*found).subquery()


@lru_cache(maxsize=_KEPT)
def has_run(meant: Which) -> tuple[sa.Executable, ...]:
    """Whether there are sums of days, or logs that these do not have."""
    rolled = sa.select(Usage.agent_id).where(*meant.conditions(Usage), Usage.grain == "day")
    unrolled = _unrolled(sa.select(ActivityLog.agent_id)).where(*meant.conditions(ActivityLog))
    return rolled.limit(1), unrolled.limit(1)


def _steps(bounds: int) -> Iterable[sa.ColumnElement[Any]]:
    """What tells the steps between these bounds apart; of many it is the rows' own times."""
    if not bounds:
        return (Usage.grain.expression, Usage.period_start.expression)
    ends = (Usage.period_start < sa.bindparam(f"bound{number}") for number in range(bounds))
    return (sa.case(*((end, number) for number, end in enumerate(ends))),)


def _unrolled(some: sa.Select[*tuple[Any, ...]]) -> sa.Select[*tuple[Any, ...]]:
    """Of these logs, those that the rollups do not have yet."""
    return some.select_from(UnrolledLog).join(ActivityLog, ActivityLog.id == UnrolledLog.log_id)


def _in_span(grain: str, number: int) -> sa.ColumnElement[bool]:
    start, end = _bounds(grain, number, "start", "end")
    return sa.and_(Usage.grain == grain, Usage.period_start >= start, Usage.period_start < end)


def _all_logged(name: str, count: int) -> Iterable[sa.ColumnElement[bool]]:
    return (_logged(name, number) for number in range(count))


def _logged(name: str, number: int) -> sa.ColumnElement[bool]:
    """Bounded by id, which says the month's partition and every index ends with, and by time, which the tenant's
    begins with."""
    log = ActivityLog
    first, last, start, end = _bounds(name, number, "first", "last", "start", "end")
    return sa.and_(log.id >= first, log.id < last, log.created_at >= start, log.created_at < end)


def _bounds(name: str, number: int, *ends: str) -> list[sa.BindParameter[Any]]:
    return [sa.bindparam(f"{name}{number}_{end}") for end in ends]
