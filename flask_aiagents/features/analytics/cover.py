"""Which hours and days a period is made of, and what is left at its edges."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from .levels import GRAINS, begin_of

Span = tuple[datetime, datetime]
"""From a time up to, but not including, another."""


@dataclass(frozen=True, slots=True)
class Cover:
    """Spans of whole days, of whole hours, and of what is neither, which no bound divides."""

    day: list[Span]
    hour: list[Span]
    raw: list[Span]

    def whole(self, grain: str) -> list[Span]:
        """The spans of whole hours, or of whole days."""
        return self.hour if grain == "hour" else self.day


def cover(bounds: Sequence[datetime], *, by_hour: bool = True) -> Cover:
    """Cover each span between two neighbours by days, where it has whole ones, by hours, and by the rest.

    :param by_hour: False where no hours are kept: what is no whole day is then of the rest.
    """
    day, hour, raw = [], [], []
    for start, end in pairwise(bounds):
        first, last = _up("hour", start), begin_of("hour", end)
        if first >= last:
            raw.append((start, end))
            continue
        raw += [(start, first), (last, end)]
        first_day, last_day = _up("day", first), begin_of("day", last)
        if first_day >= last_day:
            hour.append((first, last))
        else:
            hour += [(first, first_day), (last_day, last)]
            day.append((first_day, last_day))
    if by_hour:
        return Cover(_joined(day), _joined(hour), _apart(raw))
    return Cover(_joined(day), [], _apart(sorted(hour + raw)))


def to_whole(grain: str, time: datetime) -> datetime:
    """The nearest begin of an hour or a day."""
    return begin_of(grain, time + GRAINS[grain] / 2)


def inside(spans: list[Span], time: datetime) -> bool:
    """Whether a time is in one of these spans, which are in order."""
    number = bisect_right(spans, time, key=lambda span: span[0]) - 1
    return number >= 0 and time < spans[number][1]


def _up(grain: str, time: datetime) -> datetime:
    begin = begin_of(grain, time)
    return begin if begin == time else begin + GRAINS[grain]


def _apart(spans: list[Span]) -> list[Span]:
    return [span for span in spans if span[0] < span[1]]


def _joined(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in spans:
        if start == end:
            continue
        if joined and joined[-1][1] == start:
            start = joined.pop()[0]
        joined.append((start, end))
    return joined
