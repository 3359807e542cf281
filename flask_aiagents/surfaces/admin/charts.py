"""The dashboard's charts: figures over time, as plain values that a script draws and a table repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from typing import Any
from urllib.parse import urlencode

from ...features.activity.models import LogStatus
from ...features.analytics.period import Period
from ...types import JSONObject
from .activity_filters import FAILED
from .dashboard_asked import Asked
from .dashboard_period import label, span
from .formats import duration, money, number, percent
from .texts import _l


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One figure over time."""

    title: str
    tone: str
    key: str
    """Of a step, as the service tells it."""

    text: Callable[[Any], str]
    filters: dict[str, str] = field(default_factory=dict)
    """What the log is asked for, beside the time, to find what was counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Some figures that are drawn together."""

    title: str
    kind: str
    unit: str = ""
    series: Sequence[Series]
    before: Series
    """What is drawn of the period before."""


_SUCCEEDED = {"status": LogStatus.SUCCESS.value}
_FAILED = {"status": FAILED}

CHARTS = {
    "runs": Chart(
        title=_l("Runs"),
        kind="bar",
        series=(
            Series(
                title=_l("succeeded"), tone="good", key="succeeded", text=number, filters={"status": "success"}
            ),
            Series(title=_l("failed"), tone="bad", key="failed", text=number, filters={"status": "failed"}),
        ),
        before=Series(title=_l("before"), tone="text", key="executions", text=number),
    ),
    "success": Chart(
        title=_l("Success"),
        kind="line",
        unit="%",
        series=(Series(title=_l("success"), tone="good", key="success_rate", text=percent, filters=_SUCCEEDED),),
        before=Series(title=_l("before"), tone="text", key="success_rate", text=percent),
    ),
    "cost": Chart(
        title=_l("Cost"),
        kind="bar",
        unit="$",
        series=(Series(title=_l("cost"), tone="accent", key="cost_usd", text=money),),
        before=Series(title=_l("before"), tone="text", key="cost_usd", text=money),
    ),
    "durations": Chart(
        title=_l("Duration"),
        kind="line",
        unit="s",
        series=(
            Series(title="p50", tone="run", key="p50_ms", text=duration),
            Series(title="p95", tone="warn", key="p95_ms", text=duration),
        ),
        before=Series(title=_l("p95 before"), tone="text", key="p95_ms", text=duration),
    ),
    "tokens": Chart(
        title=_l("Tokens"),
        kind="bar",
        series=(Series(title=_l("tokens"), tone="run", key="tokens_used", text=number),),
        before=Series(title=_l("before"), tone="text", key="tokens_used", text=number),
    ),
}


def drawn(
    names: Sequence[str], asked: Asked, present: Sequence[JSONObject], before: Sequence[JSONObject] | None
) -> list[JSONObject]:
    """Charts for the page: each point has its text, and its time in the address of the logs behind it."""
    times = _times(asked.period, present)
    earlier = _times(asked.before, before or [])
    labels = [label(point["start"], asked.step, asked.zone) for point in present]
    return [
        {
            "title": str(chart.title),
            "kind": chart.kind,
            "unit": chart.unit,
            "labels": labels,
            "times": times,
            "series": [
                *(_series(one, asked, present) for one in chart.series),
                *([_series(chart.before, asked, before) | {"times": earlier}] if before else []),
            ],
        }
        for chart in (CHARTS[name] for name in names)
    ]


def cells(chart: JSONObject) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The rows of a chart's table: each time with the address of the logs behind each figure, and its text."""
    columns = [
        [
            (f"{one['logs']}&{time}", text)
            for time, text in zip(one.get("times") or chart["times"], one["texts"], strict=True)
        ]
        for one in chart["series"]
    ]
    yield from zip(chart["labels"], map(list, zip_longest(*columns, fillvalue=("", ""))), strict=False)


def _series(series: Series, asked: Asked, points: Sequence[JSONObject]) -> JSONObject:
    values = [point[series.key] for point in points]
    return {
        "title": str(series.title),
        "tone": series.tone,
        # Heights of bars only; what is read is the text.
        "values": [None if value is None else float(value) for value in values],
        "texts": [series.text(value) for value in values],
        "logs": asked.logs_of(**series.filters),
    }


def _times(period: Period, points: Sequence[JSONObject]) -> list[str]:
    """The time of each step, as the log's address has it; of the first and the last what is in the period."""
    bounds = [*(max(period.start, point["start"]) for point in points), period.end]
    return [urlencode(span(Period(start, end))) for start, end in pairwise(bounds)]
