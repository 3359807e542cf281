"""Errors of a period, by kind: how often, where, and what to do."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_admin import expose

from ...features.access.policy import Permission
from ...features.analytics.period import Period
from ...web.json import time_text
from .activity_words import advice
from .filters import Since
from .texts import _l
from .view import PanelView

MOST = 50
"""Kinds that are shown."""


class ErrorsView(PanelView):
    """What goes wrong most."""

    slug = "errors"
    title = _l("Errors")
    icon = "exclamation-triangle"
    permission = Permission.READ_ANALYTICS

    @expose("/")
    def index(self) -> str:
        """The kinds of errors of a period.

        :raises BadRequest: for a period that is none.
        """
        last = request.args.get("last", "7d") or "7d"
        period = Period.recent(last, zone=self.system.analytics.zone())
        rows = self.system.analytics.errors(period, top=MOST)
        since = time_text(period.start)
        return self.render("aiagents/errors.html", rows=rows, last=last, since=since, spans=Since.spans)

    def advice(self, row: Any) -> str:
        """What to do about a kind of error."""
        return advice(row)
