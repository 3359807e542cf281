"""The time that figures are about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ...core.clock import utcnow
from ...errors import BadRequest

DEFAULT = "30d"
LONGEST = timedelta(days=3660)
"""The period when none is asked for, and the longest that may be."""

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Period:
    """From a time up to, but not including, another."""

    start: datetime
    end: datetime

    @classmethod
    def parse(cls, args: Mapping[str, str], now: datetime | None = None) -> Period:
        """``last=30d`` (m, h, d or w), or ``from`` and ``to`` in ISO 8601; the last 30 days by default.

        :raises BadRequest: for anything else.
        """
        now = now or utcnow()
        if "from" in args or "to" in args:
            if "last" in args:
                raise BadRequest("last and from name two periods.", hint="Send one of them.")
            end = _time(args["to"]) if "to" in args else now
            start = _time(args["from"]) if "from" in args else end - _last(DEFAULT)
        else:
            start, end = now - _last(args.get("last", DEFAULT)), now
        if not timedelta(0) < end - start <= LONGEST:
            raise BadRequest(
                "The period is empty or longer than ten years.", hint="Give an earlier from or a later to."
            )
        return cls(start, end)

    @classmethod
    def recent(cls, last: str = DEFAULT, now: datetime | None = None) -> Period:
        """The last 30 days, or as many weeks, hours or minutes: whole days of UTC with today, or up to the end of
        this hour. Figures of whole days and hours are there at once, whatever the number of logs.

        :raises BadRequest: for anything else.
        """
        period = cls.parse({"last": last}, now)
        end = period.end.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        if last[-1] in "dw":
            end = period.end.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return cls(end - (period.end - period.start), end)

    def to_dict(self) -> dict[str, datetime]:
        return {"from": self.start, "to": self.end}


def _last(text: str) -> timedelta:
    match = re.fullmatch(r"([0-9]{1,5})([mhdw])", text)
    if match is None:
        raise BadRequest(f"last={text[:30]} is not understood.", hint="Write last=30d, last=24h or last=4w.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _time(text: str) -> datetime:
    try:
        value = datetime.fromisoformat(text.replace(" ", "+"))
        value = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
        if not 1970 <= value.year <= 9000:
            raise ValueError("where no month can be taken away or added")
        return value
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"{text[:40]!r} is no time.", hint="Write it as 2026-01-31T12:00:00Z.") from error
