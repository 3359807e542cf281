"""Logs folded into sums: first into the finest, then these into coarser ones, so that few are touched often."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ..activity.models import ActivityLog, LogStatus, Source
from .histogram import bucket, histogram_of
from .levels import KEY, LEVELS, ROLLED, Key
from .words import Day, Words

Sums = list[Any]
"""The values of :data:`SUMMED`; while logs are folded the last two are milliseconds and each duration's bucket."""

ADDED = (
    *("executions", "tokens_used", "input_tokens", "output_tokens", "cached_tokens", "cost_usd"),
    *("unpriced", "timed", "duration_sum_ms"),
)
"""The columns whose values are added up."""

SUMMED = (*ADDED, "last_used_at", "durations")

_LAST, _BUCKETS = len(ADDED), len(ADDED) + 1

_LOG: sa.Table = ActivityLog.__table__  # pyright: ignore[reportAssignmentType]

COLUMNS = [
    _LOG.c[name]
    for name in (
        *("id", "tenant_id", "agent_id", "user_id", "source", "action", "provider", "model", "status", "error"),
        *("tokens_used", "input_tokens", "output_tokens", "cached_tokens", "cost_usd", "unpriced", "duration_ms"),
    )
]
"""What is read of a log: its time is in its id."""

_FIELDS = (
    *("week", "day", "hour", "tenant", "agent", "user"),
    *("provider", "model", "action", "status", "error", "source"),
)
"""What a log tells: weeks, days and hours are numbers since 1970, agents the number of their id."""

_ACTION = _FIELDS.index("action")
_TIMES = ("week", "day", "hour")
_HOUR_MS, _DAY_MS, _WEEK_MS = 3_600_000, 86_400_000, 7 * 86_400_000
_MONDAY_MS = -3 * _DAY_MS
"""The begin of the week that 1970 began in."""
_STARTS = {"week": (_WEEK_MS, _MONDAY_MS), "day": (_DAY_MS, 0), "hour": (_HOUR_MS, 0)}
"""How long the rows of a grain are, and when the one with the number 0 begins."""
_SUCCESS = LogStatus.SUCCESS.value
_CLIENT = Source.CLIENT.value
_NOTHING = Decimal(0)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """The rows of one level and grain."""

    level: str
    grain: str
    fields: tuple[str, ...]
    """What tells its rows apart."""
    source: _Table | None
    """The table whose rows it sums; None of the logs themselves."""
    action: int | None
    """Where a row of the source tells its action, when only executions count."""
    project: Callable[[Any], Any]
    """The key under which a row of the source counts."""
    told: Callable[[Any], tuple[Any, ...]]
    """Of a row's key, with None and '' after it, the columns from the tenant on."""


def _planned() -> list[_Table]:
    """Each table after those it may sum, of which it takes the one that tells the least."""
    tables: list[_Table] = []
    told = {
        (level, grain): LEVELS[level] | {*_TIMES[_TIMES.index(grain) :: -1], "status", "error", "source"}
        for level, grains in ROLLED.items()
        for grain in grains
    }
    for (level, grain), names in sorted(told.items(), key=lambda item: -len(item[1])):
        fields = tuple(field for field in _FIELDS if field in names)
        finer = [table for table in tables if names <= {*table.fields}]
        source = min(finer, key=lambda table: len(table.fields), default=None)
        given = source.fields if source else _FIELDS
        action = given.index("action") if "action" in given and "action" not in names else None
        missing = {"user": len(fields) + 1}
        columns = (fields.index(name) if name in names else missing.get(name, len(fields)) for name in _COLUMNS)
        project = itemgetter(*map(given.index, fields))
        tables.append(_Table(level, grain, fields, source, action, project, itemgetter(*columns)))
    return tables


_COLUMNS = [name.removesuffix("_id") for name in KEY[3:]]
_TABLES = _planned()


class Groups:
    """Sums of logs, by what they are about."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._finest: dict[_Table, dict[Any, Sums]] = {table: {} for table in _TABLES if table.source is None}

    def add(self, logs: Iterable[Sequence[Any]]) -> None:
        """Count logs, each with the values of :data:`COLUMNS`."""
        everything = [_read(self._words, *log) for log in logs]
        executions = [entry for entry in everything if entry[0][_ACTION] == "execute"]
        for table, groups in self._finest.items():
            _fold(everything if table.action is None else executions, table.project, groups)

    def rows(self) -> Iterator[tuple[Key, Sums]]:
        """All rows that count them."""
        groups = dict(self._finest)
        for table in _TABLES:
            if table.source:
                groups[table] = _fold(_counted(table, groups[table.source].items()), table.project, {})
        for table in _TABLES:
            for key, sums in groups.pop(table).items():
                sums[_LAST], sums[_BUCKETS] = _time(sums[_LAST]), histogram_of(sums[_BUCKETS])
                yield _key(table, key), sums


def _counted(table: _Table, entries: Iterable[tuple[Any, Sums]]) -> Iterable[tuple[Any, Sums]]:
    if (action := table.action) is None:
        return entries
    return (entry for entry in entries if entry[0][action] == "execute")


def _fold(
    entries: Iterable[tuple[Any, Sums]], project: Callable[[Any], Any], groups: dict[Any, Sums]
) -> dict[Any, Sums]:
    for given, sums in entries:
        key = project(given)
        if (into := groups.get(key)) is None:
            groups[key] = into = sums.copy()
            into[_BUCKETS] = sums[_BUCKETS].copy()
            continue
        # Written out: this runs several times for every log.
        into[0] += sums[0]
        into[1] += sums[1]
        into[2] += sums[2]
        into[3] += sums[3]
        into[4] += sums[4]
        into[5] += sums[5]
        into[6] += sums[6]
        into[7] += sums[7]
        into[8] += sums[8]
        if sums[_LAST] > into[_LAST]:
            into[_LAST] = sums[_LAST]
        into[_BUCKETS] += sums[_BUCKETS]
    return groups


def clients_days(logs: Iterable[Sequence[Any]]) -> set[Day]:
    """The tenants and days of which clients recorded some of these logs, with the values of :data:`COLUMNS`."""
    return {(log[1], (log[0].int >> 80) // _DAY_MS) for log in logs if log[4] == _CLIENT}


def _read(
    words: Words,
    log_id: UUID,
    tenant: str | None,
    agent: UUID | None,
    user: str,
    source: str,
    action: str,
    provider: str | None,
    model: str | None,
    status: str,
    error: str | None,
    tokens: int | None,
    input_tokens: int | None,
    output_tokens: int | None,
    cached_tokens: int | None,
    cost: Decimal | None,
    unpriced: bool,
    duration: int | None,
) -> tuple[Any, Sums]:
    at = log_id.int >> 80
    agent_number = None if agent is None else agent.int
    if status == _SUCCESS:
        error = None
    if action != "execute":
        provider = model = None
    if source == _CLIENT:
        said = (action, provider, model, error)
        action, provider, model, error = words.told((tenant, at // _DAY_MS), said)
    times = (at - _MONDAY_MS) // _WEEK_MS, at // _DAY_MS, at // _HOUR_MS
    key = (*times, tenant, agent_number, user, provider, model, action, status, error, source)
    counts = [1, tokens or 0, input_tokens or 0, output_tokens or 0, cached_tokens or 0, cost or _NOTHING]
    if duration is None:
        return key, [*counts, int(unpriced), 0, 0, at, []]
    return key, [*counts, int(unpriced), 1, duration, at, [bucket(duration)]]


def _key(table: _Table, key: Any) -> Key:
    length, first = _STARTS[table.grain]
    start = _start(first + key[_TIMES.index(table.grain)] * length)
    tenant, agent, *others = table.told((*key, None, ""))
    return (table.level, table.grain, start, tenant, None if agent is None else _uuid(agent), *others)  # pyright: ignore[reportReturnType]


def _time(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


_start = lru_cache(maxsize=1_024)(_time)


@lru_cache(maxsize=65_536)
def _uuid(number: int) -> UUID:
    return UUID(int=number)
