"""The steps of a chart: hours, days, weeks and months as a calendar in some zone has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, tzinfo

from ...errors import BadRequest
from .period import Period
from .zones import midnight, zone_of

STEPS = ("hour", "day", "week", "month")
"""How long a step may be. Hours are those of UTC in every zone; weeks begin on Monday."""

MOST_STEPS = 1_000
"""Steps of one chart."""

HOUR = timedelta(hours=1)


def steps_of(period: Period, step: str, zone: str) -> list[datetime]:
    """Where the steps that touch a period begin; the first may begin before it.

    :raises BadRequest: for a step or zone that there is not, and for more than 1,000 steps.
    """
    if step not in STEPS:
        raise BadRequest(f"step={step[:30]} is not understood.", hint=f"Use one of {', '.join(STEPS)}.")
    starts = _hours(period) if step == "hour" else _dates(period, step, zone_of(zone))
    if len(starts) > MOST_STEPS:
        raise BadRequest(
            f"The period has more than {MOST_STEPS} steps.", hint="Ask for longer steps, or for a shorter period."
        )
    return starts


def _hours(period: Period) -> list[datetime]:
    starts = [period.start.replace(minute=0, second=0, microsecond=0)]
    while starts[-1] + HOUR < period.end and len(starts) <= MOST_STEPS:
        starts.append(starts[-1] + HOUR)
    return starts


def _dates(period: Period, step: str, zone: tzinfo) -> list[datetime]:
    day = _FIRST[step](period.start.astimezone(zone).date())
    starts = [midnight(day, zone)]
    while len(starts) <= MOST_STEPS:
        day = _next(day, step)
        if (start := midnight(day, zone)) >= period.end:
            break
        if start > starts[-1]:  # else it is a day that never was: Samoa went from the 29th to the 31st
            starts.append(start)
    return starts


_FIRST: Mapping[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}


def _next(day: date, step: str) -> date:
    if step == "month":
        return (day + timedelta(days=31)).replace(day=1)
    return day + timedelta(days=7 if step == "week" else 1)
