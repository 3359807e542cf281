"""The panel's first page: what agents did, how well and for how much.

A page comes at once; each of its parts is asked for by itself and shown as it arrives. All pages, parts and files
of a dashboard take the same arguments, so that an address shows everybody who may see it the same.
"""

from __future__ import annotations

from typing import Any, ClassVar

from flask import abort, request, url_for
from flask_admin import expose

from ...errors import NotFound
from ...features.access.policy import Permission
from ...features.activity.models import Source
from ...web.filtering import Filter, Query
from ...web.json import dumps
from .charts import cells, drawn
from .dashboard_asked import Asked
from .dashboard_tables import SHOWN, TABLES, as_file, led, provider, trends
from .texts import _l
from .view import Answer, PanelView

PAGES = {
    "index": (_l("Overview"), ("figures", "trends", "agents", "users", "models", "actions", "tenants", "errors")),
    "costs": (_l("Costs"), ("costs", "spending")),
}
"""The pages, by their endpoint, and their parts in order."""

DRAWN = {"trends": ("runs", "success", "cost", "durations"), "spending": ("cost", "tokens")}
"""Parts that are charts."""


class DashboardView(PanelView):
    """Figures over a period."""

    slug = "dashboard"
    title = _l("Dashboard")
    icon = "line-chart"
    permission = Permission.READ_ANALYTICS

    spans: ClassVar = (
        ("24h", _l("Last 24 hours")),
        ("7d", _l("Last 7 days")),
        ("30d", _l("Last 30 days")),
        ("90d", _l("Last 90 days")),
    )
    sources: ClassVar = (
        ("", _l("All")),
        (Source.SYSTEM.value, _l("Run by this system")),
        (Source.CLIENT.value, _l("Reported by clients")),
    )
    pages: ClassVar = PAGES
    tables: ClassVar = TABLES
    shown: ClassVar = SHOWN
    led = staticmethod(led)
    provider = staticmethod(provider)

    @expose("/")
    def index(self) -> str:
        """Runs, success, cost and durations, and who and what ran most."""
        return self._page("index")

    @expose("/costs/")
    def costs(self) -> str:
        """What was spent, on what, and what the month will come to."""
        return self._page("costs")

    @expose("/part/<wanted>/")
    def part(self, wanted: str) -> str:
        """One part of a page."""
        asked = self._asked()
        self._refuse_hidden(wanted, asked)
        match wanted:
            case "figures":
                figures = self.system.analytics.summary(asked.period, **asked.only)
                return self.render("aiagents/dashboard_figures.html", figures=figures, asked=asked)
            case "costs":
                costs = self.system.analytics.costs(asked.period, top=SHOWN, **asked.only)
                return self.render("aiagents/dashboard_costs.html", costs=costs, asked=asked, page="costs")
            case "trends" | "spending":
                return self._charts(wanted, asked)
            case "errors":
                template = "aiagents/dashboard_errors.html"
            case "agents" | "users" | "models" | "actions" | "tenants":
                template = "aiagents/dashboard_table.html"
            case _:
                abort(404)
        table = TABLES[wanted]
        rows = table.rows(self, asked, SHOWN)
        return self.render(template, rows=rows, name=wanted, table=table, asked=asked)

    @expose("/csv/<wanted>/")
    def csv(self, wanted: str) -> Answer:
        """One table as a file, with more rows than the page shows."""
        asked = self._asked()
        self._refuse_hidden(wanted, asked)
        if wanted not in TABLES:
            abort(404)
        return as_file(wanted, self, asked)

    def _page(self, page: str) -> str:
        asked = self._asked()
        hidden = self._hidden(asked)
        parts = [part for part in PAGES[page][1] if part not in hidden]
        return self.render("aiagents/dashboard.html", page=page, parts=parts, asked=asked, **self._chosen(asked))

    def _asked(self) -> Asked:
        return Asked.read(request.args, self.system.analytics.zone())

    def _charts(self, part: str, asked: Asked) -> str:
        present, before = trends(self, asked)
        charts = drawn(DRAWN[part], asked, present, before) if any(p["executions"] for p in present) else []
        return self.render("aiagents/dashboard_trends.html", charts=charts, cells=cells, asked=asked, json=_json)

    def _hidden(self, asked: Asked) -> set[str]:
        """Parts and tables that tell the principal nothing."""
        hidden: set[str] = set()
        if not self.principal.is_super_admin or self.principal.acting:
            hidden.add("tenants")
        if asked.user_id or not self.may(Permission.READ_OTHERS_ACTIVITY):
            hidden.add("users")
        return hidden | {"agents", "cost-agents", "actions"} if asked.agent_id else hidden

    def _refuse_hidden(self, wanted: str, asked: Asked) -> None:
        if wanted in self._hidden(asked):
            abort(404)

    def _chosen(self, asked: Asked) -> dict[str, Any]:
        """The names of the agent and the user that the figures are of; with the agent's page, until it is deleted.

        :raises NotFound: for an agent that the principal neither sees nor ever saw at work.
        """
        chosen: dict[str, Any] = {"user": self._name(asked.user_id) if asked.user_id else None}
        if (agent_id := asked.agent_id) is None:
            return chosen
        chosen["agent"] = self.system.analytics.agent_name(agent_id) or str(agent_id)
        try:
            self.system.agents.get(agent_id)
        except NotFound:
            return chosen
        return chosen | {"agent_page": url_for("aiagents_panel_agents.details_view", id=agent_id)}

    def _name(self, user_id: str) -> str:
        """A user's name, once there is a log of it to see: else names could be had by trying ids."""
        if self.principal.is_super_admin and not self.principal.acting:
            return self.names.label("user", user_id)
        query = Query(terms=(Filter("user_id", "eq", user_id),), order=(("id", True),), select=("id",), limit=1)
        seen = self.may(Permission.READ_ACTIVITY) and self.system.activity.list(query).items
        return self.names.label("user", user_id) if seen else user_id


def _json(value: Any) -> str:
    """JSON that stands in a page: its text cannot end the element that it is in."""
    return dumps(value).decode().replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
