"""``POST /ai_agents/{id}/execute``."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request

from ...core.installed import installed
from ...web.api import Blueprint, body
from ...web.json import json_response
from ...web.streaming import event_stream
from ..access.gate import enter
from ..access.policy import Permission
from .schemas import ExecuteSchema, ExecutionSchema
from .service import Executions

blp = Blueprint("execution", description="Running agents")
blp.before_request(enter)

executions: Executions = installed("executions")


@blp.post("/ai_agents/<uuid:agent_id>/execute")
@blp.documents(
    200,
    ExecutionSchema,
    permission=Permission.EXECUTE_AGENT,
    body=ExecuteSchema,
    errors=(429, 502, 504),
    streams=True,
)
def execute(agent_id: UUID) -> Response:
    """Run an agent: one JSON answer, or server-sent events where Accept asks for them.

    Events: ``delta``, ``tool_call``, ``tool_result``, ``usage``, and last ``done`` or ``error``.
    """
    data = body()
    if request.accept_mimetypes.best_match(["application/json", "text/event-stream"]) == "text/event-stream":
        return event_stream(executions.stream(agent_id, data))
    return json_response(executions.run(agent_id, data).to_dict())
