"""``GET /ai_agents/{id}/performance_metrics``."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request

from ...core.installed import installed
from ...errors import BadRequest
from ...web.api import Blueprint
from ...web.json import json_response
from ..access.gate import enter
from ..access.policy import Permission
from .period import Period
from .schemas import PerformanceSchema
from .service import Analytics

blp = Blueprint("analytics", description="Figures from the log")
blp.before_request(enter)

analytics: Analytics = installed("analytics")

_PERIOD = [
    {
        "name": "last",
        "in": "query",
        "schema": {"type": "string", "pattern": "^[0-9]{1,5}[mhdw]$"},
        "example": "30d",
    },
    {"name": "from", "in": "query", "schema": {"type": "string", "format": "date-time"}},
    {"name": "to", "in": "query", "schema": {"type": "string", "format": "date-time"}},
]


@blp.get("/ai_agents/<uuid:agent_id>/performance_metrics")
@blp.documents(200, PerformanceSchema, permission=Permission.READ_ANALYTICS, parameters=_PERIOD, errors=(404,))
def performance_metrics(agent_id: UUID) -> Response:
    """An agent's executions, success rate, durations, tokens and cost over a period."""
    if unknown := request.args.keys() - {"last", "from", "to"}:
        raise BadRequest(f"{min(unknown)[:50]!r} is no parameter here.", hint="Use last, or from and to.")
    return json_response(analytics.agent_metrics(agent_id, Period.parse(request.args)))
