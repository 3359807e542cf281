"""``/ai_agent_activity_logs`` and the history of one agent."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from ...core.installed import installed
from ...errors import BadRequest
from ...web.api import Blueprint, body, created, list_query, page_response, partly_created, prefers
from ...web.filtering import Query
from ...web.json import json_response
from ...web.streaming import event_stream
from ..access.gate import enter
from ..access.policy import Permission
from .columns import COLUMNS
from .export import download
from .schemas import ActivityLogSchema, RecordedSchema
from .service import Activity

BULK = 2
"""How many times the usual body the bulk POST may have."""

FORMAT = {
    "name": "format",
    "in": "query",
    "schema": {"type": "string", "enum": ["csv", "jsonl"], "default": "csv"},
}

CURSOR = {
    "name": "cursor",
    "in": "query",
    "description": "The id of the last row that arrived: the rows behind it, without a header.",
    "schema": {"type": "string", "format": "uuid"},
}

RETRY_MS = 2_000
"""After which a browser comes again when its stream ends."""

RESUME = [
    {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The id of the last event that arrived: nothing since then is missed, some comes twice.",
        "schema": {"type": "string", "format": "uuid"},
    },
    {
        "name": "last_event_id",
        "in": "query",
        "description": "The same, for clients that cannot set the header.",
        "schema": {"type": "string", "format": "uuid"},
    },
]

blp = Blueprint("activity", description="The activity log")
blp.before_request(enter)

activity: Activity = installed("activity")


@blp.get("/ai_agent_activity_logs")
@blp.documents(200, ActivityLogSchema, permission=Permission.READ_ACTIVITY, query=COLUMNS)
def list_logs() -> Response:
    """List activity: one's own for a user, the tenant's for an admin."""
    return page_response(activity.list(list_query()))


@blp.get("/ai_agent_activity_logs/export")
@blp.documents(
    200,
    permission=Permission.READ_ACTIVITY,
    query=COLUMNS,
    parameters=[FORMAT, CURSOR],
    exports=("text/csv", "application/x-ndjson"),
)
def export_logs() -> Response:
    """Export all logs of a filter as CSV or JSON lines, streamed, in gzip for `Accept-Encoding: gzip`."""
    return download(
        activity.export(_whole("format"), request.args.get("format", "csv")),
        request.args.get("format", "csv"),
    )


@blp.get("/ai_agent_activity_logs/stream")
@blp.documents(200, permission=Permission.READ_ACTIVITY, query=COLUMNS, parameters=RESUME, events=True)
def stream_logs() -> Response:
    """Follow activity as server-sent events.

    ``log`` is a log as it appears, and again as it ends; ``reload`` says that the list is to be read again.
    """
    token = request.headers.get("Last-Event-ID") or request.args.get("last_event_id")
    return event_stream(activity.stream(_whole("last_event_id"), last_event_id=token or None), retry_ms=RETRY_MS)


@blp.post("/ai_agent_activity_logs")
@blp.documents(
    201,
    ActivityLogSchema,
    permission=Permission.RECORD_ACTIVITY,
    body=ActivityLogSchema,
    or_array=True,
    errors=(429,),
    lenient=RecordedSchema,
)
def record_activity() -> Response:
    """Record own activity, one log or an array of up to 10,000: all or none, unless the client is lenient."""
    data: Any = body(times=BULK)
    size = len(request.get_data())
    if isinstance(data, list):
        lenient = prefers("handling=lenient")
        recorded = activity.record_many(data, lenient=lenient, size=size)
        return partly_created(recorded.dump()) if lenient else created(recorded.items, "")
    row = activity.record(data, size=size)
    return created(row, ".get_log", log_id=row["id"])


@blp.get("/ai_agent_activity_logs/<uuid:log_id>")
@blp.documents(200, ActivityLogSchema, permission=Permission.READ_ACTIVITY, errors=(404,))
def get_log(log_id: UUID) -> Response:
    """Read one log."""
    return json_response(COLUMNS.dump(activity.get(log_id)))


@blp.get("/ai_agents/<uuid:agent_id>/activity_logs")
@blp.documents(200, ActivityLogSchema, permission=Permission.READ_ACTIVITY, query=COLUMNS, errors=(404,))
def list_agent_logs(agent_id: UUID) -> Response:
    """List one agent's activity."""
    return page_response(activity.list_for_agent(agent_id, list_query()))


def _whole(besides: str) -> Query:
    """The filter of what comes whole and not in pages.

    :param besides: what this request may name that is no part of a filter.
    :raises BadRequest: for a part of it, which would be passed over in silence.
    """
    for name in ("limit", "offset"):
        if name in request.args:
            raise BadRequest(
                f"{name} is for lists: here everything comes that fits the filter.",
                hint=f"Leave {name} out, narrow the filter, or read GET /ai_agent_activity_logs page by page.",
            )
    return list_query((besides,))
