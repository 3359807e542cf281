"""Rows to add up: rollups of whole hours and days, what they do not have yet, and the edges from the raw log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.clock import uuid7_from
from ...core.tenancy import TenantSession
from ..activity.models import ActivityLog, LogStatus, UnrolledLog
from .agent_figures import RAN
from .cover import Cover, Span, cover, inside
from .levels import LEVELS, ROLLED, level_for
from .models import Usage

_SPANS = 50
"""Spans that one statement names; of more it reads all that is between, and what is too much is left out after."""


@dataclass(frozen=True, slots=True)
class Only:
    """What of all that the session's scope sees is asked for."""

    agent_ids: Sequence[UUID] | None = None
    user_id: str | None = None
    failed: bool = False
    among: Sequence[Mapping[str, Any]] | None = None
    """Rows that have all the values of one of these."""

    @classmethod
    def of(cls, agent_id: UUID | None, user_id: str | None) -> Only:
        """One agent and one user, or with None each."""
        return cls(None if agent_id is None else [agent_id], user_id)

    def among_these(self, values: Sequence[Mapping[str, Any]]) -> Only:
        """Of these, the rows that have all the values of one."""
        return replace(self, among=values)


EVERYTHING = Only()


def read(
    session: TenantSession,
    bounds: Sequence[datetime],
    dimensions: Set[str],
    only: Only = EVERYTHING,
) -> Iterator[Any]:
    """The ended executions between these times that the session's scope sees, apart by ``dimensions``; where these
    tell actions apart, all that ended.

    A row is a rollup or one log. Each has the time ``at``, and lies between two neighbours of ``bounds``.
    """
    level = _level(session, dimensions, only)
    parts = cover(bounds, by_hour="hour" in ROLLED[level])
    if parts.day or parts.hour:
        exact = max(len(parts.day), len(parts.hour)) <= _SPANS
        for row in session.execute(_rolled_and_unrolled(session, parts, level, only)).all():
            if row.grain is None:
                if not inside(parts.raw, row.at):
                    yield row
            elif exact or inside(parts.whole(row.grain), row.at):
                yield row
    for few in _chunks(parts.raw):
        yield from session.execute(sa.select(*LOG).where(*_ended(level), *_logs(session, few, only)))


def slim(
    session: TenantSession, period: Span, dimensions: Set[str], only: Only = EVERYTHING, *sums: str
) -> sa.Subquery:
    """The same rows of one span, for the database to count: what they are about, how many and when last.

    :param sums: columns besides, which no index holds.
    """
    level = _level(session, dimensions, only)
    parts = cover(period, by_hour="hour" in ROLLED[level])
    wanted = {*_SAME, "executions", "last_used_at", *sums}
    names = [column.key for column in LOG if column.key in wanted]
    logs = sa.select(*(column for column in LOG if column.key in wanted)).where(*_ended(level))
    found: list[Any] = []
    if spans := [(grain, span) for grain in ("day", "hour") for span in parts.whole(grain)]:
        rolled = sa.select(*(getattr(Usage, name) for name in names)).where(Usage.level == level)
        where = (sa.or_(*(_in_span(grain, span) for grain, span in spans)), *_mine(session, Usage, only))
        found.append(rolled.where(*where))
        whole = sa.or_(*(_logged(span) for _, span in spans))
        unrolled = logs.select_from(UnrolledLog).join(ActivityLog, ActivityLog.id == UnrolledLog.log_id)
        found.append(unrolled.where(whole, *_mine(session, ActivityLog, only)))
    if parts.raw:
        found.append(logs.where(*_logs(session, parts.raw, only)))
    return sa.union_all(*found).subquery()


def _logged(span: Span) -> sa.ColumnElement[bool]:
    """Bounded by id, which says the month's partition and every index ends with, and by time, which the tenant's
    begins with."""
    log, (start, end) = ActivityLog, span
    begun = (log.created_at >= start, log.created_at < end)
    return sa.and_(log.id >= uuid7_from(start), log.id < uuid7_from(end), *begun)


def _level(session: TenantSession, dimensions: Set[str], only: Only) -> str:
    scope = session.scope
    needed = {
        *dimensions,
        *(["agent"] if only.agent_ids is not None else []),
        *(["user"] if scope.user_id or only.user_id is not None else []),
    }
    return level_for(needed if scope.system else needed | {"tenant"})


def _rolled_and_unrolled(session: TenantSession, parts: Cover, level: str, only: Only) -> sa.CompoundSelect[Any]:
    """One statement, so that what is rolled up meanwhile is seen exactly once."""
    spans = [(grain, span) for grain in ("day", "hour") for span in _few(parts.whole(grain))]
    rolled = sa.select(*_USAGE).where(
        Usage.level == level,
        sa.or_(*(_in_span(grain, span) for grain, span in spans)),
        *_mine(session, Usage, only),
    )
    begin, end = min(span[0] for _, span in spans), max(span[1] for _, span in spans)
    unrolled = (
        sa.select(*LOG)
        .select_from(UnrolledLog)
        .join(ActivityLog, ActivityLog.id == UnrolledLog.log_id)
        .where(*_ended(level), _logged((begin, end)), *_mine(session, ActivityLog, only))
    )
    return sa.union_all(rolled, unrolled)


def _ended(level: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Which logs a level counts."""
    return (RAN,) if "action" in LEVELS[level] else (ActivityLog.action == "execute", RAN)


def _in_span(grain: str, span: Span) -> sa.ColumnElement[bool]:
    return sa.and_(Usage.grain == grain, Usage.period_start >= span[0], Usage.period_start < span[1])


def _logs(session: TenantSession, spans: Iterable[Span], only: Only) -> list[sa.ColumnElement[bool]]:
    return [sa.or_(*map(_logged, spans)), *_mine(session, ActivityLog, only)]


def _mine(
    session: TenantSession, model: type[Usage | ActivityLog], only: Only
) -> Iterator[sa.ColumnElement[bool]]:
    """The session's scope once more: said here, it does not depend on what guards can reach."""
    scope = session.scope
    if not scope.system:
        yield model.tenant_id == scope.tenant_id
    if scope.user_id is not None:
        yield model.user_id == scope.user_id
    if only.agent_ids is not None:
        yield model.agent_id.in_(only.agent_ids)
    if only.user_id is not None:
        yield model.user_id == only.user_id
    if only.failed:
        yield model.status != LogStatus.SUCCESS.value
    if only.among is not None:
        yield sa.or_(sa.false(), *(_has(model, values) for values in only.among))


def _has(model: type[Usage | ActivityLog], values: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    pairs = [(getattr(model, name), value) for name, value in values.items()]
    return sa.and_(*(column.is_(None) if value is None else column == value for column, value in pairs))


def _few(spans: list[Span]) -> list[Span]:
    return spans if len(spans) <= _SPANS else [(spans[0][0], spans[-1][1])]


def _chunks(spans: list[Span]) -> Iterator[list[Span]]:
    for number in range(0, len(spans), _SPANS):
        yield spans[number : number + _SPANS]


_SAME = ("tenant_id", "agent_id", "user_id", "provider", "model", "action", "status", "error")
_SUMS = ("tokens_used", "input_tokens", "output_tokens", "cost_usd")

_USAGE = (
    Usage.grain,
    Usage.period_start.label("at"),
    *(getattr(Usage, name) for name in (*_SAME, "executions", *_SUMS, "unpriced", "timed")),
    Usage.duration_sum_ms,
    Usage.durations,
    Usage.last_used_at,
)

LOG = (
    sa.null().label("grain"),
    ActivityLog.created_at.label("at"),
    *(getattr(ActivityLog, name) for name in _SAME),
    # Of the same type as the sums': PostgreSQL else reads whole rows for a union of both, and no index alone.
    sa.cast(sa.literal(1), sa.BigInteger).label("executions"),
    *(getattr(ActivityLog, name) for name in _SUMS),
    sa.case((ActivityLog.unpriced.is_(True), 1), else_=0).label("unpriced"),
    sa.case((ActivityLog.duration_ms.is_not(None), 1), else_=0).label("timed"),
    ActivityLog.duration_ms.label("duration_sum_ms"),
    sa.null().label("durations"),
    ActivityLog.created_at.label("last_used_at"),
)
"""One log as a row of the same form, for the rollups' own statement and as it is counted into them."""
