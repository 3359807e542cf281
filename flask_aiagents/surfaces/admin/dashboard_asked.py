"""What the address of a dashboard asks: which time, whose figures, beside what; and where its links lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import url_for

from ...errors import BadRequest
from ...features.activity.models import Source
from ...features.analytics.period import Period
from ...features.analytics.steps import midnight, zone_of
from .activity_filters import ENDED
from .dashboard_period import asked_period, before, span, step_of
from .texts import _

ARGUMENTS = ("last", "from", "to", "agent_id", "user_id", "source", "compare")
"""What the address may say; every link of a dashboard keeps it."""

PREVIOUS = "previous"
"""The value of ``compare``: trends show the period before, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request asks."""

    args: Mapping[str, str]
    period: Period
    zone: str
    """Whose days these are."""

    agent_id: UUID | None
    user_id: str | None
    source: str | None
    """``system`` or ``client``; None for all."""

    @classmethod
    def read(cls, given: Mapping[str, str], zone: str) -> Asked:
        """:raises BadRequest: for what is no period, no id, no source or nothing to compare with."""
        args = {key: value for key in ARGUMENTS if (value := given.get(key, ""))}
        if "from" in args:
            args.pop("last", None)  # what the form's list shows, which days given by hand are meant instead of
        if args.get("compare", PREVIOUS) != PREVIOUS:
            raise BadRequest(_("There is nothing of that name to compare with."), hint="compare=previous")
        return cls(
            args=args,
            period=asked_period(args, zone),
            zone=zone,
            agent_id=_agent_id(args.get("agent_id")),
            user_id=_user_id(args.get("user_id")),
            source=_source(args.get("source")),
        )

    @property
    def only(self) -> dict[str, Any]:
        """Whose figures, as the services are told."""
        given = {"agent_id": self.agent_id, "user_id": self.user_id, "source": self.source}
        return {key: value for key, value in given.items() if value is not None}

    @property
    def compares(self) -> bool:
        return "compare" in self.args

    @property
    def before(self) -> Period:
        return before(self.period, self.zone)

    @property
    def step(self) -> str:
        return step_of(self.period)

    def but(self, **other: str | None) -> dict[str, str]:
        """The arguments with some of them changed, or left out where they are None."""
        return {key: value for key, value in {**self.args, **other}.items() if value}

    def logs(self, **filters: Any) -> str:
        """The logs behind a figure of this period."""
        time = span(self.period)
        if "to" not in self.args:
            del time["to"]  # it is now, and a later one when the link is used later
        return self.logs_of(**{**time, **filters})

    def logs_of_month(self, month: str) -> str:
        """The logs of a month of the zone, which is written as ``2026-11``."""
        first = date.fromisoformat(f"{month}-01")
        following = (first + timedelta(days=31)).replace(day=1)
        bounds = (midnight(day, zone_of(self.zone)) for day in (first, following))
        return self.logs_of(**span(Period(*bounds)))

    def logs_of(self, **filters: Any) -> str:
        """The logs behind figures, of any time."""
        kept = {key: self.args[key] for key in ("agent_id", "user_id", "source") if key in self.args}
        return url_for(
            "aiagents_panel_activity.index_view", **{"action": "execute", "status": ENDED, **kept, **filters}
        )


def _agent_id(text: str | None) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise BadRequest(f"{text[:40]!r} is no id.", hint=_("Follow a link from an agent's page.")) from error


def _source(text: str | None) -> str | None:
    if text and text not in (Source.SYSTEM, Source.CLIENT):
        raise BadRequest(f"{text[:40]!r} is not a source.", hint=_("Choose one from the list."))
    return text


def _user_id(text: str | None) -> str | None:
    if text and ("\x00" in text or len(text) > 255):
        raise BadRequest(f"{text[:40]!r} is no id.", hint=_("Follow a link from a table of users."))
    return text
