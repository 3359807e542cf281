"""The tables of dashboards: their rows from the services, for a page and for a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from flask import Response

from ...types import JSONObject
from ...web.csv import BOM, lines
from .activity_filters import NONE
from .dashboard_asked import Asked
from .dashboard_period import file_words
from .texts import _l
from .view import PanelView

SHOWN = 8
"""Rows of a table on a page."""

MOST = 200
"""Rows of its file."""

Rows = Callable[[PanelView, Asked, int], list[JSONObject]]
"""The rows for what is asked, so many at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a table is called, what its file has, and where its rows come from."""

    title: str
    fields: Sequence[str]
    rows: Rows
    filters: Sequence[str] = ()
    """What the log is asked for to find a row's logs; the row's key says the value."""


_MODEL = ("provider", "model")

BRIEF = (
    *("executions", "succeeded", "failed", "success_rate", "tokens_used", "cost_usd"),
    *("unpriced", "p50_ms", "p95_ms", "client_executions", "client_cost_usd"),
)
SPENT = (
    *("executions", "unpriced", "tokens_used", "input_tokens", "output_tokens"),
    *("cost_usd", "share", "client_executions", "client_cost_usd"),
)


def ranked(by: str) -> Rows:
    """Who or what ran most."""

    def rows(view: PanelView, asked: Asked, top: int) -> list[JSONObject]:
        found = view.system.analytics.usage(asked.period, by=by, top=top, **asked.only)
        if by in ("user", "tenant"):
            view.names.fetch(by, [row["key"] for row in found])  # pyright: ignore[reportArgumentType]
            found = [row | {"name": view.names.label(by, row["key"])} for row in found]  # pyright: ignore[reportArgumentType]
        return found

    return rows


def spent(on: str) -> Rows:
    """What cost most."""
    return lambda view, asked, top: view.system.analytics.costs(asked.period, top=top, **asked.only)[on]


def failed(view: PanelView, asked: Asked, top: int) -> list[JSONObject]:
    """What went wrong most."""
    return view.system.analytics.errors(asked.period, top=top, **asked.only)


def steps(view: PanelView, asked: Asked, top: int) -> list[JSONObject]:
    """The figures of each step, beside those of the period before where it is compared with that."""
    present, before = trends(view, asked)
    old = [{f"previous_{key}": value for key, value in row.items()} for row in before or []]
    return [(row or {}) | (past or {}) for row, past in zip_longest(present, old)]


def trends(view: PanelView, asked: Asked) -> tuple[list[JSONObject], list[JSONObject] | None]:
    """The figures of each step of the period, and of the one before when they are asked for."""

    def over(period: Any) -> list[JSONObject]:
        return view.system.analytics.timeseries(period, step=asked.step, zone=asked.zone, **asked.only)

    return over(asked.period), over(asked.before) if asked.compares else None


TABLES = {
    "agents": Table(
        title=_l("Agents"), fields=("key", "name", *BRIEF), rows=ranked("agent"), filters=("agent_id",)
    ),
    "users": Table(title=_l("Users"), fields=("key", "name", *BRIEF), rows=ranked("user"), filters=("user_id",)),
    "models": Table(title=_l("Models"), fields=("key", "name", *BRIEF), rows=ranked("model"), filters=_MODEL),
    "actions": Table(title=_l("Actions"), fields=("key", *BRIEF), rows=ranked("action"), filters=("action",)),
    "tenants": Table(
        title=_l("Tenants"), fields=("key", "name", *BRIEF), rows=ranked("tenant"), filters=("tenant_id",)
    ),
    "errors": Table(
        title=_l("Errors"),
        fields=("error", "status", "executions", "agents", "last_at", "client_executions"),
        rows=failed,
    ),
    "trends": Table(title=_l("Trends"), fields=("start", *BRIEF), rows=steps),
    "cost-models": Table(
        title=_l("Cost by model"),
        fields=("key", "name", *SPENT),
        rows=spent("by_model"),
        filters=_MODEL,
    ),
    "cost-agents": Table(
        title=_l("Cost by agent"),
        fields=("key", "name", *SPENT),
        rows=spent("by_agent"),
        filters=("agent_id",),
    ),
    "unpriced": Table(
        title=_l("Without a known price"),
        fields=("provider", "model", "executions", "tokens_used"),
        rows=spent("unpriced"),
        filters=_MODEL,
    ),
}


def led(table: Table, row: JSONObject) -> dict[str, Any]:
    """What the log is asked for to find what a row counted."""
    values = _model_of(row) if table.filters == _MODEL else (row["key"],)
    return {name: value or NONE for name, value in zip(table.filters, values, strict=True)}


def provider(table: Table, row: JSONObject) -> str | None:
    """Whose model a row is about: two providers may have one of the same name."""
    return _model_of(row)[0] if table.filters == _MODEL else None


def _model_of(row: JSONObject) -> tuple[str | None, str | None]:
    """Provider and model; a ranking has both in its key, and only the name may have a slash."""
    if "provider" in row:
        return row["provider"], row["model"]
    key, model = row["key"], row["name"]
    return (key.removesuffix(model).rstrip("/") if key else None), model


def as_file(name: str, view: PanelView, asked: Asked) -> Response:
    """A table as CSV; its name says what it is and of which period."""
    table = TABLES[name]
    rows = table.rows(view, asked, MOST)
    compared = [f"previous_{field}" for field in table.fields] if name == "trends" and asked.compares else []
    fields = [*table.fields, *compared]
    text = BOM + lines([fields, *([_cell(row, field) for field in fields] for row in rows)])
    response = Response(text, content_type="text/csv; charset=utf-8")
    words = file_words(asked.period, asked.zone)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{words}.csv"'
    return response


def _cell(row: JSONObject, field: str) -> Any:
    """Return a field of a row; ``client_executions`` is ``executions`` of what clients reported."""
    before, found, name = field.rpartition("client_")
    return (row.get(f"{before}client_reported") or {}).get(name) if found else row.get(field)
