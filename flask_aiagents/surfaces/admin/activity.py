"""The log: what was done by whom, with what outcome and at what cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

from flask import Response, request, url_for
from flask_admin import expose

from ...actions import Action
from ...features.access.policy import Permission
from ...features.activity.columns import COLUMNS
from ...features.activity.export import checked_format, download
from ...features.activity.models import Source
from ...web.filtering import Filter, Query
from ...web.pagination import Page
from ...web.streaming import event_stream
from . import agent_words
from .activity_filters import RARE, ErrorKind, Known, KnownId, Outcome, outcomes, words
from .activity_words import advice, messages, tool_calls
from .filters import Choice, Since, Text
from .lists import ListView
from .texts import _l
from .view import Answer

ACTIONS = tuple(Action)
"""The system's own actions; clients may report others."""

SHOWN = (
    *("id", "agent_id", "agent_name", "user_id", "tenant_id", "action", "source", "duration_ms", "tokens_used"),
    *("provider", "model", "cost_usd", "unpriced", "status", "error", "created_at"),
)
"""What a list needs; requests and answers are long."""

PING_S = 1.0
"""Seconds of silence after which a live list is tried: so that the place of a page that was left is soon free."""


class ActivityView(ListView):
    """The log, newest first."""

    slug = "activity"
    title = _l("Activity")
    icon = "list-alt"
    permission = Permission.READ_ACTIVITY
    columns = COLUMNS
    list_template = "aiagents/activity.html"
    details_template = "aiagents/activity_detail.html"
    cells_template = "aiagents/activity_cells.html"
    empty_template = "aiagents/activity_empty.html"
    can_view_details = True
    column_list = (
        *("created_at", "agent_name", "action", "status", "user_id"),
        *("model", "tokens_used", "cost_usd", "duration_ms"),
    )
    column_labels = {
        "created_at": _l("Time"),
        "agent_name": _l("Agent"),
        "action": _l("Action"),
        "status": _l("Status"),
        "user_id": _l("User"),
        "model": _l("Model"),
        "tokens_used": _l("Tokens"),
        "cost_usd": _l("Cost"),
        "duration_ms": _l("Duration"),
    }
    column_sortable_list = ()
    # The id's order is time's, and every index ends with it.
    column_default_sort = ("id", True)
    filters = (
        Since(by_id=True),
        Outcome("status", _l("Status"), lambda _: outcomes()),
        Choice("action", _l("Action"), lambda _: words(ACTIONS)),
        ErrorKind("error", _l("Kind of error")),
        KnownId("agent_id", _l("Agent id")),
        Text("user_id", _l("User id")),
        Known("model", _l("Model")),
        Choice("source", _l("Source"), lambda _: words(Source)),
        Known("tenant_id", _l("Tenant"), super_admin_only=True),
        *RARE,
    )

    formats: ClassVar = {"csv": _l("Export CSV"), "jsonl": _l("Export JSON lines")}

    def visible_filters(self) -> list[Any]:
        return [one for one in super().visible_filters() if one not in RARE or request.args.get(one.name)]

    def find_page(self, query: Query) -> Page:
        return self.system.activity.list(replace(query, select=SHOWN))

    def find_one(self, id_: UUID) -> Any:
        return COLUMNS.dump(self.system.activity.get(id_))

    def row_name(self, row: Any) -> str:
        return f"{row['action']} {row['agent_name'] or ''}".strip()

    def advice(self, row: Any) -> str:
        """What to do about a log that did not end well."""
        return advice(row)

    def messages(self, row: Any) -> Any:
        """What was said to the agent, turn by turn."""
        return messages(row)

    def tool_calls(self, row: Any) -> Any:
        """What the agent called, in order."""
        return tool_calls(row)

    def is_change(self, row: Any) -> bool:
        """Tell a change that the system recorded from a run, and from what a client reported."""
        return row["source"] == Source.SYSTEM.value and row["action"] in ("create", "update", "configure")

    spoken = staticmethod(agent_words.spoken)

    def export_url(self, format: str) -> str:
        """Where the list as it is filtered can be had as a file."""
        asked: dict[str, Any] = {**request.args, "format": format}
        return url_for(".export_view", **asked)

    @expose("/export/")
    def export_view(self) -> Answer:
        """All logs of the filter, as a file.

        :raises BadRequest: for a format that there is not.
        """
        format = checked_format(request.args.get("format", "csv"))
        query = Query(terms=self._terms(None))
        return download(self.system.activity.export(query, format, principal=self.principal), format)

    @expose("/stream/")
    def stream_view(self) -> Response:
        """What happens, for the script of an open list, whatever its filter: a log may leave that as it ends.

        :raises Unavailable: when too many are open; the list asks every few seconds then.
        """
        return event_stream(self.system.activity.stream(ping_s=PING_S, principal=self.principal))

    @expose("/details/")
    def details_view(self) -> str:
        """One log with everything it keeps, and the way to its neighbours."""
        row = self.get_one(request.args.get("id", ""))
        self._fetch_names([row])
        return self.render(
            self.details_template,
            row=row,
            agent=self._agent(row["agent_id"]),
            newer=self._neighbour(row["id"], newer=True),
            older=self._neighbour(row["id"], newer=False),
        )

    def _agent(self, agent_id: UUID | None) -> Any:
        """The log's agent if it still exists and may be seen: logs outlive agents."""
        if agent_id is None or not self.may(Permission.READ_AGENTS):
            return None
        query = Query(terms=(Filter("id", "eq", str(agent_id)),), select=("id", "name"), limit=1)
        return next(iter(self.system.agents.list(query).items), None)

    def _neighbour(self, log_id: UUID, *, newer: bool) -> Any:
        terms = (Filter("id", "gt" if newer else "lt", str(log_id)),)
        query = Query(terms=terms, order=(("id", not newer),), select=("id",), limit=1)
        return next(iter(self.system.activity.list(query).items), None)
