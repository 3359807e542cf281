"""Which weeks, days and hours a period is made of, and what is left at its edges."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from .levels import GRAINS, begin_of

Span = tuple[datetime, datetime]
"""From a time up to, but not including, another."""


@dataclass(frozen=True, slots=True)
class Cover:
    """Spans of whole weeks, days and hours, by grain, and of what is none of these, which no bound divides."""

    whole: Mapping[str, list[Span]]
    raw: list[Span]


def cover(bounds: Sequence[datetime], grains: Sequence[str]) -> Cover:
    """Cover each span between two neighbours by whole ones of these grains, the longest first, and the rest."""
    parts: dict[str, list[Span]] = {grain: [] for grain in (*grains, "raw")}
    for start, end in pairwise(bounds):
        _divide(start, end, grains, parts)
    raw = parts.pop("raw")
    return Cover({grain: _joined(spans) for grain, spans in parts.items()}, raw)


def _divide(start: datetime, end: datetime, grains: Sequence[str], parts: dict[str, list[Span]]) -> None:
    if start >= end:
        return
    if not grains:
        parts["raw"].append((start, end))
        return
    grain, *finer = grains
    first, last = _up(grain, start), begin_of(grain, end)
    if first >= last:
        _divide(start, end, finer, parts)
        return
    _divide(start, first, finer, parts)
    parts[grain].append((first, last))
    _divide(last, end, finer, parts)


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


def _joined(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            start = joined.pop()[0]
        joined.append((start, end))
    return joined
