"""The time that figures are about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ...core.clock import utcnow
from ...errors import BadRequest
from .zones import midnight, zone_of

DEFAULT = "30d"
LONGEST = timedelta(days=3660)
"""The period when none is asked for, and the longest that may be."""

NAMED = frozenset({"from", "to", "period"})
NAMES = ("last", "from", "to", "period")
"""How a period may be asked for exactly, and how at all."""

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

_DURATION = re.compile(
    "P(?=.)(?:(?P<weeks>[0-9]{1,5})W)?(?:(?P<days>[0-9]{1,5})D)?"
    "(?:T(?=.)(?:(?P<hours>[0-9]{1,5})H)?(?:(?P<minutes>[0-9]{1,5})M)?)?"
)


@dataclass(frozen=True, slots=True)
class Period:
    """From a time up to, but not including, another."""

    start: datetime
    end: datetime

    @classmethod
    def parse(cls, args: Mapping[str, str], now: datetime | None = None) -> Period:
        """``from`` and ``to`` in ISO 8601; ``period``, an interval of it: ``2026-11-01/2026-11-15``,
        ``P7D/2026-11-15`` or ``2026-11-01/P7D``; ``last=30d`` (m, h, d or w) up to now, the default.

        :raises BadRequest: for anything else.
        """
        now = now or utcnow()
        if len({"bounds" if name in ("from", "to") else name for name in NAMES if name in args}) > 1:
            raise BadRequest("More than one period is named.", hint="Send last, period, or from and to.")
        if "period" in args:
            return cls._of(*_interval(args["period"]))
        end = _time(args["to"]) if "to" in args else now
        return cls._of(_time(args["from"]) if "from" in args else end - _last(args.get("last", DEFAULT)), end)

    @classmethod
    def recent(cls, last: str = DEFAULT, now: datetime | None = None, zone: str = "UTC") -> Period:
        """So many days or weeks: whole days of the zone with today; hours: whole ones with this; minutes: to the
        second. Figures of whole days and hours are there at once, whatever the number of logs.

        :raises BadRequest: for anything else, and for an unknown zone.
        """
        now = now or utcnow()
        period = cls.parse({"last": last}, now)
        length = period.end - period.start
        if last[-1] in "dw":
            day = now.astimezone(zone_of(zone)).date() + timedelta(days=1)
            return cls(*(midnight(end, zone_of(zone)) for end in (day - length, day)))
        if last[-1] == "h":
            end = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
            return cls(end - length, end)
        return period

    @classmethod
    def _of(cls, start: datetime, end: datetime) -> Period:
        if not timedelta(0) < end - start <= LONGEST:
            raise _no_period()
        return cls(start, end)

    def to_dict(self) -> dict[str, datetime]:
        return {"from": self.start, "to": self.end}


def _last(text: str) -> timedelta:
    match = re.fullmatch(r"([0-9]{1,5})([mhdw])", text)
    if match is None:
        raise BadRequest(f"last={text[:30]} is not understood.", hint="Write last=30d, last=24h or last=4w.")
    return _bounded(timedelta(**{_UNITS[match[2]]: int(match[1])}))


def _interval(text: str) -> tuple[datetime, datetime]:
    first, _, second = text.partition("/")
    if (length := _duration(first)) is not None:
        end = _time(second)
        return end - length, end
    start = _time(first)
    length = _duration(second)
    return start, _time(second) if length is None else start + length


def _duration(text: str) -> timedelta | None:
    if not text.startswith("P"):
        return None
    if (match := _DURATION.fullmatch(text)) is None:
        raise BadRequest(f"{text[:40]!r} is no duration.", hint="Write weeks, days, hours or minutes: P7D, PT12H.")
    return _bounded(timedelta(**{unit: int(count) for unit, count in match.groupdict().items() if count}))


def _bounded(length: timedelta) -> timedelta:
    """Return a length that can be added to any accepted time without overflow.

    :raises BadRequest: for a longer one.
    """
    if length > LONGEST:
        raise _no_period()
    return length


def _no_period() -> BadRequest:
    return BadRequest("The period is empty or longer than ten years.", hint="Give an earlier from or a later to.")


def _time(text: str) -> datetime:
    try:
        value = datetime.fromisoformat(text.replace(" ", "+"))
        value = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
        if not 1970 <= value.year <= 9000:
            raise ValueError("where no month can be taken away or added")
        return value
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"{text[:40]!r} is no time.", hint="Write it as 2026-01-31T12:00:00Z.") from error
