"""The dashboard's charts: figures over time, as plain values that a script draws and a table repeats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from ...types import JSONObject
from .formats import duration, money, number
from .texts import _


def charts(points: Sequence[JSONObject], step: str) -> list[JSONObject]:
    """Four charts: runs, cost, tokens, the slowest of durations."""
    labels = [_label(point["start"], step) for point in points]
    runs = [
        _series(_("succeeded"), "good", points, "succeeded", number),
        _series(_("failed"), "bad", points, "failed", number),
    ]
    return [
        _chart("runs", _("Runs"), "bar", labels, runs),
        _chart("cost", _("Cost"), "bar", labels, [_series(_("cost"), "accent", points, "cost_usd", money)]),
        _chart("tokens", _("Tokens"), "bar", labels, [_series(_("tokens"), "run", points, "tokens_used", number)]),
        _chart("p95", _("Duration, p95"), "line", labels, [_series("p95", "warn", points, "p95_ms", duration)]),
    ]


def _chart(name: str, title: str, kind: str, labels: list[str], series: list[JSONObject]) -> JSONObject:
    unit = {"cost": "$", "p95": "s"}.get(name, "")
    return {"name": name, "title": title, "kind": kind, "unit": unit, "labels": labels, "series": series}


def _series(
    title: str, tone: str, points: Sequence[JSONObject], key: str, text: Callable[[Any], str]
) -> JSONObject:
    values = [point[key] for point in points]
    return {
        "title": title,
        "tone": tone,
        # Heights of bars only; what is read is the text.
        "values": [None if value is None else float(value) for value in values],
        "texts": [text(value) for value in values],
    }


def _label(start: datetime, step: str) -> str:
    return (
        f"{start:%m-%d %H:%M}" if step == "hour" else f"{start:%Y-%m-%d}" if step != "month" else f"{start:%Y-%m}"
    )
