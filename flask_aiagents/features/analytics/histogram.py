"""Durations in buckets: percentiles of any number of executions from a few dozen counts.

Below 64 ms each millisecond has its own bucket; above, a bucket is 8% wide, so that its middle is within 5% of
whatever fell into it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

Histogram = dict[int, int]
"""Executions by bucket."""

_EXACT = 64
_WIDTH = 1.08
_LOG_WIDTH = math.log(_WIDTH)


def bucket(duration_ms: int) -> int:
    """The bucket of a duration."""
    if duration_ms < _EXACT:
        return max(0, duration_ms)
    return _EXACT + int(math.log(duration_ms / _EXACT) / _LOG_WIDTH)


def histogram_of(buckets: Iterable[int]) -> Histogram:
    """How often each bucket is among these."""
    counts: Histogram = {}
    for number in buckets:
        counts[number] = counts.get(number, 0) + 1
    return counts


def middle(number: int) -> int:
    """The duration that stands for a bucket: as far below its end as above its beginning, in proportion."""
    if number < _EXACT:
        return number
    return round(_EXACT * _WIDTH ** (number - _EXACT) * 2 * _WIDTH / (1 + _WIDTH))


def add(into: Histogram, counts: Mapping[str, int] | Mapping[int, int]) -> None:
    """Add counts, as they are or as JSON gives them back."""
    for number, count in counts.items():
        number = int(number)
        into[number] = into.get(number, 0) + count


def percentile(histogram: Histogram, percent: int) -> int | None:
    """The nearest-rank percentile, within 5%; None of nothing."""
    rank = -(-sum(histogram.values()) * percent // 100)
    for number in sorted(histogram):
        rank -= histogram[number]
        if rank <= 0:
            return middle(number)
    return None
