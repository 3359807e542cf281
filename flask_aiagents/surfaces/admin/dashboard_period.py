"""The time of a dashboard: days as the reader's zone has them, and how addresses, files and charts name them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from ...errors import BadRequest
from ...features.analytics.period import Period
from ...features.analytics.zones import midnight, zone_of
from ...web.json import time_text
from .texts import _

DEFAULT = "30d"

_DAY = timedelta(days=1)

_LONGEST = ((timedelta(days=2), "hour"), (timedelta(days=120), "day"), (timedelta(days=800), "week"))


def asked_period(args: Mapping[str, str], zone: str) -> Period:
    """``last=30d``, which are whole days of the zone with today; or ``from`` and ``to``, the last day whole.

    :raises BadRequest: for anything else.
    """
    given = {key: _day_in_zone(args[key], key, zone) for key in ("from", "to") if key in args}
    if given.keys() == {"to"}:
        raise BadRequest(_("A period needs a beginning."), hint=_("Give From, or choose a period."))
    return Period.parse(given) if given else Period.recent(args.get("last", DEFAULT), zone=zone)


def before(period: Period, zone: str) -> Period:
    """The period that is as long and ends where this one begins; as many days, where it is made of days."""
    if not whole(period, zone):
        return Period(period.start - (period.end - period.start), period.start)
    first, end = (time.astimezone(zone_of(zone)).date() for time in (period.start, period.end))
    return Period(midnight(first - (end - first), zone_of(zone)), period.start)


def step_of(period: Period) -> str:
    """How long a step of its charts is."""
    length = period.end - period.start
    return next((step for longest, step in _LONGEST if length <= longest), "month")


def span(period: Period) -> dict[str, str]:
    """A period as the log's filter takes it: in days of UTC where it is made of them, the last one whole."""
    if whole(period, "UTC"):
        return {"from": f"{period.start:%Y-%m-%d}", "to": f"{period.end - _DAY:%Y-%m-%d}"}
    return {"from": time_text(period.start), "to": time_text(period.end)}


def whole(period: Period, zone: str) -> bool:
    """Whether a period is made of days of a zone."""
    return all(midnight(time.astimezone(zone_of(zone)).date(), zone_of(zone)) == time for time in _ends(period))


def file_words(period: Period, zone: str) -> str:
    """A period in the name of a file."""
    form = "%Y-%m-%d" if whole(period, zone) else "%Y-%m-%dT%H%M"
    times = (period.start, period.end - timedelta(microseconds=1))
    return "-to-".join(f"{time.astimezone(zone_of(zone)):{form}}" for time in times)


def label(start: datetime, step: str, zone: str) -> str:
    """A step of a chart in words."""
    time = start.astimezone(zone_of(zone))
    if step == "hour":
        return f"{time:%m-%d %H:%M}"
    return f"{time:%Y-%m}" if step == "month" else f"{time:%Y-%m-%d}"


def _day_in_zone(text: str, key: str, zone: str) -> str:
    """A day as the time of its beginning or, for ``to``, of its end; what is none, as it is."""
    try:
        day = date.fromisoformat(text) + (_DAY if key == "to" else timedelta(0))
        return time_text(midnight(day, zone_of(zone)))
    except (ValueError, OverflowError):
        return text  # a time, or what the period refuses


def _ends(period: Period) -> tuple[datetime, datetime]:
    return period.start.astimezone(UTC), period.end.astimezone(UTC)
