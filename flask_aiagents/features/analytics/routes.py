"""``GET /ai_agent_analytics/...`` and ``GET /ai_agents/{id}/performance_metrics``."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request

from ...core.clock import utcnow
from ...core.installed import installed
from ...types import JSONObject
from ...web.api import Blueprint
from ...web.json import json_response
from ..access.gate import enter
from ..access.policy import Permission
from .asked import BY, NARROWED, PERIOD, SOURCE, STEP, WHOSE, ZONE, options_of, period_of, top
from .period import Period
from .schemas import (
    CostsSchema,
    ErrorsSchema,
    PerformanceSchema,
    SummarySchema,
    TimeseriesSchema,
    UsageTableSchema,
)
from .service import Analytics

blp = Blueprint("analytics", description="Figures from the log")
blp.before_request(enter)

analytics: Analytics = installed("analytics")

_READ = Permission.READ_ANALYTICS


@blp.get("/ai_agent_analytics/summary")
@blp.documents(200, SummarySchema, permission=_READ, parameters=[*PERIOD, *WHOSE], errors=(404,))
def summary() -> Response:
    """Executions, success, tokens, cost, durations and errors of a period, and of the one before it."""
    options = options_of(request.args, *NARROWED)
    return json_response(analytics.summary(_period(), **options))


@blp.get("/ai_agent_analytics/timeseries")
@blp.documents(200, TimeseriesSchema, permission=_READ, parameters=[*PERIOD, STEP, ZONE, *WHOSE], errors=(404,))
def timeseries() -> Response:
    """The figures of each hour, day, week or month of a period; 1,000 steps at most."""
    options, period = options_of(request.args, "step", "zone", *NARROWED), _period()
    named = {"step": options.get("step", "day"), "zone": options.get("zone") or analytics.zone()}
    return _of(period, named | {"steps": analytics.timeseries(period, **options)})


@blp.get("/ai_agent_analytics/usage")
@blp.documents(200, UsageTableSchema, permission=_READ, parameters=[*PERIOD, BY, top(10), *WHOSE], errors=(404,))
def usage() -> Response:
    """Who or what ran most in a period."""
    options, period = options_of(request.args, "by", "top", *NARROWED), _period()
    return _of(period, {"by": options.get("by", "agent"), "rows": analytics.usage(period, **options)})


@blp.get("/ai_agent_analytics/costs")
@blp.documents(200, CostsSchema, permission=_READ, parameters=[*PERIOD, top(10), ZONE, *WHOSE], errors=(404,))
def costs() -> Response:
    """What a period cost by model and agent, what has no known price, and what the month will come to."""
    options, period = options_of(request.args, "top", "zone", *NARROWED), _period()
    return _of(period, analytics.costs(period, **options))


@blp.get("/ai_agent_analytics/errors")
@blp.documents(200, ErrorsSchema, permission=_READ, parameters=[*PERIOD, top(50), *WHOSE], errors=(404,))
def errors() -> Response:
    """The kinds of errors of a period, each with the log of its last case."""
    options, period = options_of(request.args, "top", *NARROWED), _period()
    return _of(period, {"rows": analytics.errors(period, **options)})


@blp.get("/ai_agents/<uuid:agent_id>/performance_metrics")
@blp.documents(200, PerformanceSchema, permission=_READ, parameters=[*PERIOD, SOURCE], errors=(404,))
def performance_metrics(agent_id: UUID) -> Response:
    """An agent's executions, success rate, durations, tokens and cost over a period."""
    options = options_of(request.args, "source")
    return json_response(analytics.agent_metrics(agent_id, _period(), **options))


def _period() -> Period:
    return period_of(request.args, request.args.get("zone") or analytics.zone())


def _of(period: Period, answer: JSONObject) -> Response:
    return json_response({"period": period.to_dict(), "as_of": utcnow()} | answer)
