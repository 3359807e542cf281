"""Durations in buckets: percentiles of any number of executions from a few dozen counts.

Below 64 ms each millisecond has its own bucket; above, a bucket is 8% wide, so that its middle is within 5% of
whatever fell into it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

Histogram = dict[str, int]
"""Executions by the number of their bucket: a text, as JSON gives it back, and not read for each that is added."""

_EXACT = 64
_WIDTH = 1.08
_LOG_WIDTH = math.log(_WIDTH)


def bucket(duration_ms: int) -> int:
    """The bucket of a duration."""
    if duration_ms < _EXACT:
        return max(0, duration_ms)
    return _EXACT + int(math.log(duration_ms / _EXACT) / _LOG_WIDTH)


def bucket_in_sql(duration_ms: Any) -> sa.ColumnElement[Any]:
    """The same for the database to group by, where it has logarithms."""
    number = sa.func.floor(sa.func.ln(sa.cast(duration_ms, sa.Double) / _EXACT) / _LOG_WIDTH)
    return sa.case((duration_ms < _EXACT, duration_ms), else_=_EXACT + number)


def histogram_of(buckets: Iterable[int]) -> Histogram:
    """How often each bucket is among these."""
    return {str(number): count for number, count in Counter(buckets).items()}


def middle(number: int) -> int:
    """The duration that stands for a bucket: as far below its end as above its beginning, in proportion."""
    if number < _EXACT:
        return number
    return round(_EXACT * _WIDTH ** (number - _EXACT) * 2 * _WIDTH / (1 + _WIDTH))


def add(into: Histogram, counts: Histogram) -> None:
    """Add counts."""
    present = into.get
    for number, count in counts.items():
        into[number] = present(number, 0) + count


def percentiles(histogram: Histogram, *percents: int) -> list[int | None]:
    """The nearest-rank percentiles, the lower first, within 5%; None of nothing."""
    total, reached = sum(histogram.values()), 0
    ranks = [-(-total * percent // 100) for percent in percents]
    found: list[int | None] = []
    for number, count in sorted((int(number), count) for number, count in histogram.items()):
        reached += count
        while len(found) < len(ranks) and ranks[len(found)] <= reached:
            found.append(middle(number))
    return found or [None] * len(percents)
