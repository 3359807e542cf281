"""Rows to add up: rollups of whole hours and days, what they do not have yet, and the edges from the raw log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.clock import uuid7_from
from ...core.tenancy import TenantSession
from ..activity.models import ActivityLog, SealedDay, UnrolledLog
from .cover import Cover, Span, cover, inside, to_whole
from .levels import begin_of
from .models import Usage
from .rows import LOG, hour_of, logs, sums
from .which import EVERYTHING, SAME, Only, Which, which

_FEW = 4
"""Bounds between which the database adds sums up."""

_SPANS = 50
"""Spans that one statement names; of more it reads all that is between, and what is too much is left out after."""


def read(
    session: TenantSession, bounds: Sequence[datetime], dimensions: Set[str], only: Only = EVERYTHING
) -> Iterator[Any]:
    """The ended executions between these times that the session's scope sees, apart by ``dimensions``; where these
    tell actions apart, all that ended.

    A row is a rollup or some logs. Each has the time ``at``, and lies between two neighbours of ``bounds`` as
    :func:`settled` has them.
    """
    meant = which(session, dimensions, only)
    bounds = _settled(session, bounds, meant.grain)
    parts = cover(bounds, by_hour=meant.grain == "hour")
    if parts.day or parts.hour:
        exact = max(len(parts.day), len(parts.hour)) <= _SPANS
        for row in session.execute(_rolled_and_unrolled(session, bounds, parts, meant)).all():
            if row.grain is None:
                if not inside(parts.raw, row.at):
                    yield row
            elif exact or inside(parts.whole(row.grain), row.at):
                yield row
    for few in _chunks(parts.raw):
        yield from session.execute(_raw(session, few, meant))


def slim(
    session: TenantSession, period: Span, dimensions: Set[str], only: Only = EVERYTHING, *besides: str
) -> sa.Subquery:
    """The same rows of one span, for the database to count: what they are about, how many and when last.

    :param besides: further sums, which no index holds.
    """
    meant = which(session, dimensions, only)
    parts = cover(_settled(session, period, meant.grain), by_hour=meant.grain == "hour")
    wanted = {*SAME, "executions", "last_used_at", *besides}
    names = [column.key for column in LOG if column.key in wanted]
    some = sa.select(*(column for column in LOG if column.key in wanted)).where(*meant.conditions(ActivityLog))
    found: list[Any] = []
    if spans := [(grain, span) for grain in ("day", "hour") for span in parts.whole(grain)]:
        rolled = sa.select(*(getattr(Usage, name) for name in names)).where(*meant.conditions(Usage))
        found.append(rolled.where(sa.or_(*(_in_span(grain, span) for grain, span in spans))))
        found.append(_unrolled(some).where(_in_spans(span for _, span in spans)))
    if parts.raw or not found:
        found.append(some.where(_in_spans(parts.raw)))
    return sa.union_all(*found).subquery()


def has_run(session: TenantSession, agent_id: UUID) -> bool:
    """Whether the session's scope sees any execution of an agent, which may have been deleted since.

    It looks at sums of days and at the tail: at a stranger's agent, too, however much that has run.
    """
    meant = which(session, {"agent"}, Only([agent_id]))
    rolled = sa.select(Usage.agent_id).where(*meant.conditions(Usage), Usage.grain == "day")
    unrolled = _unrolled(sa.select(ActivityLog.agent_id)).where(*meant.conditions(ActivityLog))
    return any(session.execute(found.limit(1)).first() is not None for found in (rolled, unrolled))


def settled(
    session: TenantSession, bounds: Sequence[datetime], dimensions: Set[str], only: Only = EVERYTHING
) -> list[datetime]:
    """The bounds, those within days of which logs have left at the nearest begin of an hour: of such days sums are
    all that is left, and a bound within an hour would lose what the hour holds.

    Where no hours are kept it is the nearest begin of a day.
    """
    return _settled(session, bounds, which(session, dimensions, only).grain)


def _settled(session: TenantSession, bounds: Sequence[datetime], grain: str) -> list[datetime]:
    within = {begin_of("day", bound) for bound in bounds if begin_of(grain, bound) != bound}
    if not within:
        return [*bounds]
    sealed = set(session.scalars(sa.select(SealedDay.day).where(SealedDay.day.in_(within))))
    return [to_whole(grain, bound) if begin_of("day", bound) in sealed else bound for bound in bounds]


def _rolled_and_unrolled(
    session: TenantSession, bounds: Sequence[datetime], parts: Cover, meant: Which
) -> sa.Executable:
    """One statement, so that what is rolled up meanwhile is seen exactly once."""
    dialect = session.get_bind().dialect.name
    spans = [(grain, span) for grain in ("day", "hour") for span in _few(parts.whole(grain))]
    rolled = sums(dialect, meant.columns, *_steps(bounds)).where(
        *meant.conditions(Usage), sa.or_(*(_in_span(grain, span) for grain, span in spans))
    )
    begin, end = min(span[0] for _, span in spans), max(span[1] for _, span in spans)
    unrolled = _unrolled(logs(dialect, meant.columns, hour_of(dialect)))
    return sa.union_all(rolled, unrolled.where(*meant.conditions(ActivityLog), _logged((begin, end))))


def _steps(bounds: Sequence[datetime]) -> Iterable[sa.ColumnElement[Any]]:
    """What tells the steps between these bounds apart; of many it is the rows' own times."""
    if len(bounds) > _FEW:
        return (Usage.grain.expression, Usage.period_start.expression)
    return (sa.case(*((Usage.period_start < end, number) for number, end in enumerate(bounds))),)


def _unrolled(some: sa.Select[*tuple[Any, ...]]) -> sa.Select[*tuple[Any, ...]]:
    """Of these logs, those that the rollups do not have yet."""
    return some.select_from(UnrolledLog).join(ActivityLog, ActivityLog.id == UnrolledLog.log_id)


def _raw(session: TenantSession, spans: Sequence[Span], meant: Which) -> sa.Select[*tuple[Any, ...]]:
    number = sa.case(*((ActivityLog.id < uuid7_from(end), index) for index, (_, end) in enumerate(spans)))
    some = logs(session.get_bind().dialect.name, meant.columns, number)
    return some.where(*meant.conditions(ActivityLog), _in_spans(spans))


def _in_span(grain: str, span: Span) -> sa.ColumnElement[bool]:
    return sa.and_(Usage.grain == grain, Usage.period_start >= span[0], Usage.period_start < span[1])


def _in_spans(spans: Iterable[Span]) -> sa.ColumnElement[bool]:
    return sa.or_(sa.false(), *map(_logged, spans))


def _logged(span: Span) -> sa.ColumnElement[bool]:
    """Bounded by id, which says the month's partition and every index ends with, and by time, which the tenant's
    begins with."""
    log, (start, end) = ActivityLog, span
    begun = (log.created_at >= start, log.created_at < end)
    return sa.and_(log.id >= uuid7_from(start), log.id < uuid7_from(end), *begun)


def _few(spans: list[Span]) -> list[Span]:
    return spans if len(spans) <= _SPANS else [(spans[0][0], spans[-1][1])]


def _chunks(spans: list[Span]) -> Iterator[list[Span]]:
    for number in range(0, len(spans), _SPANS):
        yield spans[number : number + _SPANS]
