"""Rows to add up: sums of whole weeks, days and hours, what these do not have yet, and the edges from the log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.tenancy import TenantSession
from . import statements
from .cover import Cover, Span, cover, inside, to_whole
from .levels import begin_of
from .statements import SPANS, bound_values, counts, span_values, whole_spans
from .which import EVERYTHING, Only, Which, values_of, which


def read(
    session: TenantSession, bounds: Sequence[datetime], dimensions: Set[str], only: Only = EVERYTHING
) -> Iterator[Any]:
    """The ended executions between these times that the session's scope sees, apart by ``dimensions``; where these
    tell actions apart, all that ended.

    A row is a rollup or some logs. Each has the time ``at``, and lies between two neighbours of ``bounds`` as
    :func:`settled` has them.
    """
    meant, values = which(session.scope, dimensions, only), values_of(session.scope, only)
    bounds = _settled(session, bounds, meant.grains[-1])
    parts = cover(bounds, meant.grains)
    if any(parts.whole.values()):
        yield from _rolled_and_unrolled(session, bounds, parts, meant, values)
    for few in _chunks(parts.raw):
        statement = statements.raw(session.get_bind().dialect.name, meant, len(few))
        yield from session.execute(statement, values | span_values(raw=few))


def slim(
    session: TenantSession, period: Span, dimensions: Set[str], only: Only = EVERYTHING, *besides: str
) -> tuple[sa.Subquery, dict[str, Any]]:
    """The same rows of one span, for the database to count: what they are about, how many and when last; and the
    values of the parameters.

    :param besides: further sums, which no index holds.
    """
    meant, values = which(session.scope, dimensions, only), values_of(session.scope, only)
    parts = cover(_settled(session, period, meant.grains[-1]), meant.grains)
    rows = statements.slim(meant, besides, counts(parts.whole), len(parts.raw))
    return rows, values | span_values(**parts.whole, all=_around(parts.whole), raw=parts.raw)


def has_run(session: TenantSession, agent_id: UUID) -> bool:
    """Whether the session's scope sees any execution of an agent, which may have been deleted since.

    It looks at sums of days and at the tail: at a stranger's agent, too, however much that has run.
    """
    only = Only([agent_id])
    values = values_of(session.scope, only)
    found = statements.has_run(which(session.scope, {"agent"}, only))
    return any(session.execute(statement, values).first() is not None for statement in found)


def settled(
    session: TenantSession, bounds: Sequence[datetime], dimensions: Set[str], only: Only = EVERYTHING
) -> list[datetime]:
    """The bounds, those within days of which logs have left at the nearest begin of an hour: of such days sums are
    all that is left, and a bound within an hour would lose what the hour holds.

    Where no hours are kept it is the nearest begin of a day.
    """
    return _settled(session, bounds, which(session.scope, dimensions, only).grains[-1])


def _settled(session: TenantSession, bounds: Sequence[datetime], grain: str) -> list[datetime]:
    within = {begin_of("day", bound) for bound in bounds if begin_of(grain, bound) != bound}
    if not within:
        return [*bounds]
    sealed = set(session.scalars(statements.SEALED, {"days": [*within]}))
    return [to_whole(grain, bound) if begin_of("day", bound) in sealed else bound for bound in bounds]


def _rolled_and_unrolled(
    session: TenantSession, bounds: Sequence[datetime], parts: Cover, meant: Which, values: dict[str, Any]
) -> Iterator[Any]:
    spans, steps = whole_spans(parts), bound_values(bounds)
    dialect = session.get_bind().dialect.name
    statement = statements.rolled_and_unrolled(dialect, meant, len(steps), counts(spans))
    exact = all(len(parts.whole[grain]) == len(spans[grain]) for grain in spans)
    values = values | steps | span_values(**spans, all=_around(spans))
    for row in session.execute(statement, values).all():
        if row.grain is None:
            if not inside(parts.raw, row.at):
                yield row
        elif exact or inside(parts.whole[row.grain], row.at):
            yield row


def _around(spans: Mapping[str, list[Span]]) -> list[Span]:
    """The one span from the first begin to the last end, if there is any."""
    whole = [span for some in spans.values() for span in some]
    return [(min(start for start, _ in whole), max(end for _, end in whole))] if whole else []


def _chunks(spans: list[Span]) -> Iterator[list[Span]]:
    for number in range(0, len(spans), SPANS):
        yield spans[number : number + SPANS]
