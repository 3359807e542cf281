"""The panel's first page: what agents did, how well and for how much.

The page comes at once; each of its parts is asked for by itself and shown as it arrives.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from flask import abort, request, url_for
from flask_admin import expose

from ...errors import BadRequest
from ...features.access.policy import Permission
from ...features.analytics.period import Period
from ...web.json import dumps, time_text
from .charts import charts
from .filters import with_last_day
from .texts import _, _l
from .view import PanelView

SPANS = (
    ("24h", _l("Last 24 hours")),
    ("7d", _l("Last 7 days")),
    ("30d", _l("Last 30 days")),
    ("90d", _l("Last 90 days")),
)
DEFAULT = "30d"
TOP = 8
"""Rows of a table."""

TABLES = {
    "agents": ("agent", _l("Agents"), "agent_id"),
    "users": ("user", _l("Users"), "user_id"),
    "models": ("model", _l("Models"), ""),
    "tenants": ("tenant", _l("Tenants"), "tenant_id"),
}
"""Parts that say who or what ran most: by what, their title, and the filter of the log they lead to."""


class DashboardView(PanelView):
    """Figures over a period."""

    slug = "dashboard"
    title = _l("Dashboard")
    icon = "line-chart"
    permission = Permission.READ_ANALYTICS

    spans: ClassVar = SPANS

    @expose("/")
    def index(self) -> str:
        """The page without its figures, but for whether there are any at all."""
        self._period()
        return self.render("aiagents/dashboard.html", parts=self._parts(), agent=self._agent(), asked=self.asked())

    @expose("/part/<wanted>/")
    def part(self, wanted: str) -> str:
        """One part of the page."""
        period = self._period()
        match wanted:
            case "figures":
                figures = self.system.analytics.summary(period, agent_id=self._agent_id())
                return self.render("aiagents/dashboard_figures.html", figures=figures, asked=self.asked())
            case "trends":
                return self._trends(period)
            case "errors":
                rows = self.system.analytics.errors(period, top=TOP, agent_id=self._agent_id())
                return self.render("aiagents/dashboard_errors.html", rows=rows, asked=self.asked())
        if wanted not in self._parts():
            abort(404)
        return self._table(wanted, period)

    def asked(self) -> dict[str, str]:
        """The arguments that every link of the page keeps."""
        return {key: value for key in ("last", "from", "to", "agent_id") if (value := request.args.get(key))}

    def log_url(self, **filters: Any) -> str:
        """The logs behind a figure."""
        asked = self.asked()
        kept = {key: asked[key] for key in ("from", "to") if key in asked} or {"from": _text(self._period().start)}
        more = {"agent_id": asked.get("agent_id"), "action": "execute"} | filters
        return url_for("aiagents_panel_activity.index_view", **{**kept, **more})

    def _trends(self, period: Period) -> str:
        step = _step(period)
        points = self.system.analytics.timeseries(period, step=step, agent_id=self._agent_id())
        return self.render(
            "aiagents/dashboard_trends.html", charts=charts(points, step), points=points, step=step, json=_json
        )

    def _table(self, name: str, period: Period) -> str:
        by, title, filter_name = TABLES[name]
        rows = self.system.analytics.usage(period, by=by, top=TOP, agent_id=self._agent_id())
        if by in ("user", "tenant"):
            self.names.fetch(by, [row["key"] for row in rows])
            rows = [row | {"name": self.names.label(by, row["key"])} for row in rows]
        return self.render("aiagents/dashboard_table.html", rows=rows, title=title, part=name, filter=filter_name)

    def _parts(self) -> list[str]:
        """The parts that mean something to the principal."""
        parts = ["figures", "trends", "agents", "users", "models", "errors"]
        if self.principal.is_super_admin and not self.principal.acting:
            parts.insert(5, "tenants")
        if not self.may(Permission.READ_OTHERS_ACTIVITY):
            parts.remove("users")
        return [part for part in parts if part != "agents" or not request.args.get("agent_id")]

    def _period(self) -> Period:
        args = {key: value for key in ("from", "to") if (value := request.args.get(key))}
        if args.keys() == {"to"}:
            raise BadRequest(_("A period needs a beginning."), hint=_("Give From, or choose a period."))
        if not args:
            return Period.recent(request.args.get("last") or DEFAULT)
        return Period.parse(with_last_day(args))

    def _agent_id(self) -> UUID | None:
        if not (text := request.args.get("agent_id")):
            return None
        try:
            return UUID(text)
        except ValueError as error:
            raise BadRequest(f"{text[:40]!r} is no id.", hint=_("Follow a link from an agent's page.")) from error

    def _agent(self) -> Any:
        agent_id = self._agent_id()
        return self.system.agents.get(agent_id) if agent_id else None


def _step(period: Period) -> str:
    length = period.end - period.start
    if length <= timedelta(days=2):
        return "hour"
    if length <= timedelta(days=120):
        return "day"
    return "week" if length <= timedelta(days=800) else "month"


def _text(start: datetime) -> str:
    return f"{start:%Y-%m-%d}" if start.hour == 0 else time_text(start)


def _json(value: Any) -> str:
    """JSON that stands in a page: its text cannot end the element that it is in."""
    return dumps(value).decode().replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
