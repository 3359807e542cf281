"""What the address of a dashboard asks: which time, whose figures, beside what; and where its links lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import url_for

from ...errors import BadRequest
from ...features.analytics.period import Period
from ...web.json import time_text
from .activity_filters import ENDED
from .filters import with_last_day
from .texts import _

DEFAULT = "30d"

ARGUMENTS = ("last", "from", "to", "agent_id", "user_id", "compare")
"""What the address may say; every link of a dashboard keeps it."""

PREVIOUS = "previous"
"""The value of ``compare``: trends show the period before, too."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request asks."""

    args: Mapping[str, str]
    period: Period
    agent_id: UUID | None
    user_id: str | None

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Asked:
        """:raises BadRequest: for what is no period, no id or nothing to compare with."""
        args = {key: value for key in ARGUMENTS if (value := given.get(key, ""))}
        if "from" in args:
            args.pop("last", None)  # what the form's list shows, which days given by hand are meant instead of
        if args.get("compare", PREVIOUS) != PREVIOUS:
            raise BadRequest(_("There is nothing of that name to compare with."), hint="compare=previous")
        return cls(
            args=args, period=_period(args), agent_id=_agent_id(args.get("agent_id")), user_id=_user_id(args)
        )

    @property
    def only(self) -> dict[str, Any]:
        """Whose figures, as the services are told."""
        given = {"agent_id": self.agent_id, "user_id": self.user_id}
        return {key: value for key, value in given.items() if value is not None}

    @property
    def compares(self) -> bool:
        return "compare" in self.args

    @property
    def before(self) -> Period:
        """The period that is as long and ends where this one begins."""
        start = self.period.start
        return Period(start - (self.period.end - start), start)

    @property
    def step(self) -> str:
        """How long a step of its charts is."""
        length = self.period.end - self.period.start
        if length <= timedelta(days=2):
            return "hour"
        if length <= timedelta(days=120):
            return "day"
        return "week" if length <= timedelta(days=800) else "month"

    def but(self, **other: str | None) -> dict[str, str]:
        """The arguments with some of them changed, or left out where they are None."""
        return {key: value for key, value in {**self.args, **other}.items() if value}

    def logs(self, **filters: Any) -> str:
        """The logs behind a figure of this period."""
        whole = span(self.period) if "to" in self.args else {"from": _text(self.period.start)}
        return self.logs_of(**{**whole, **filters})

    def logs_of(self, **filters: Any) -> str:
        """The logs behind figures, of any time."""
        kept = {key: self.args[key] for key in ("agent_id", "user_id") if key in self.args}
        return url_for(
            "aiagents_panel_activity.index_view", **{"action": "execute", "status": ENDED, **kept, **filters}
        )

    @property
    def file_words(self) -> str:
        """The period in a file's name."""
        words = {"from": self.period.start, "to": self.period.end - timedelta(microseconds=1)}
        form = "%Y-%m-%d" if _whole(self.period) else "%Y-%m-%dT%H%M"
        return "-to-".join(f"{time:{form}}" for time in words.values())


def span(period: Period) -> dict[str, str]:
    """A period as the log's filter takes it: days where it is made of them, the last one whole."""
    if _whole(period):
        return {"from": f"{period.start:%Y-%m-%d}", "to": f"{period.end - _DAY:%Y-%m-%d}"}
    return {"from": time_text(period.start), "to": time_text(period.end)}


def _period(args: Mapping[str, str]) -> Period:
    given = {key: args[key] for key in ("from", "to") if key in args}
    if given.keys() == {"to"}:
        raise BadRequest(_("A period needs a beginning."), hint=_("Give From, or choose a period."))
    return Period.parse(with_last_day(given)) if given else Period.recent(args.get("last", DEFAULT))


def _agent_id(text: str | None) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise BadRequest(f"{text[:40]!r} is no id.", hint=_("Follow a link from an agent's page.")) from error


def _user_id(args: Mapping[str, str]) -> str | None:
    user_id = args.get("user_id")
    if user_id and ("\x00" in user_id or len(user_id) > 255):
        raise BadRequest(f"{user_id[:40]!r} is no id.", hint=_("Follow a link from a table of users."))
    return user_id


def _whole(period: Period) -> bool:
    return _midnight(period.start) and _midnight(period.end)


def _midnight(time: datetime) -> bool:
    return time == time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _text(start: datetime) -> str:
    return f"{start:%Y-%m-%d}" if _midnight(start) else time_text(start)
