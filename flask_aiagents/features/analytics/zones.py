"""Time zones, and where their days begin."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo

from ...errors import BadRequest


def zone_of(name: str) -> tzinfo:
    """A time zone by its name, such as ``Europe/Berlin``.

    :raises BadRequest: when there is none of that name.
    """
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:  # names that are paths fail in several ways
        raise BadRequest(f"zone={name[:40]!r} is no time zone.", hint="Write it as Europe/Berlin.") from error


def midnight(day: date, zone: tzinfo) -> datetime:
    """Where a day of a zone begins, in UTC."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)
