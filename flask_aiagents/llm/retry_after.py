"""Read from the headers of a refusal how long the provider asks to wait."""

from __future__ import annotations

import email.utils
import math
import re
from collections.abc import Mapping
from datetime import datetime

_SECONDS = re.compile(r"\d{1,12}(\.\d{1,9})?")
_DURATION = re.compile(
    r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?"
)
_DURATION_UNITS = (86_400.0, 3_600.0, 60.0, 1.0, 0.001)
_DIGITS = re.compile(r"\d+(\.\d+)?")
_MAX_CHARACTERS = 64

_RESETS = {
    "x-ratelimit-reset-requests": "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-tokens": "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset": "x-ratelimit-remaining",
    "anthropic-ratelimit-requests-reset": "anthropic-ratelimit-requests-remaining",
    "anthropic-ratelimit-tokens-reset": "anthropic-ratelimit-tokens-remaining",
}
"""Headers that say when a limit starts again, and those that say what is left of it."""

_EPOCH = 1_000_000_000
"""A number of seconds from here on is a point in time, not a duration."""


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds to wait; None when the provider says nothing that can be understood.

    :param headers: with names in lower case.
    :param now: as ``time.time()``.
    """
    if (milliseconds := _plain(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    if (told := headers.get("retry-after")) and (seconds := _time(told, now)) is not None:
        return seconds
    resets = [
        seconds
        for name, remaining in _RESETS.items()
        if name in headers
        and not (_plain(headers.get(remaining, "")) or 0) > 0
        and (seconds := _time(headers[name], now)) is not None
    ]
    return max(resets, default=None)


def _time(told: str, now: float) -> float | None:
    told = told.strip()
    seconds = _plain(told)
    if seconds is None:
        seconds = _duration(told)
    if seconds is None:
        return _date(told, now)
    if seconds >= _EPOCH * 1000:
        seconds /= 1000
    return max(0.0, seconds - now) if math.inf > seconds >= _EPOCH else seconds


def _plain(told: str) -> float | None:
    """Return a number; one of hundreds of digits is for ever."""
    if _SECONDS.fullmatch(told):
        return float(told)
    return math.inf if _DIGITS.fullmatch(told) else None


def _duration(told: str) -> float | None:
    """Read what Go prints: ``6m0s``, ``1.5s``, ``20ms``."""
    found = _DURATION.fullmatch(told) if 0 < len(told) <= _MAX_CHARACTERS else None
    if found is None:
        return None
    return sum(float(part) * unit for part, unit in zip(found.groups(), _DURATION_UNITS, strict=True) if part)


def _date(told: str, now: float) -> float | None:
    """Read a date of HTTP, or one of ISO 8601."""
    if len(told) > _MAX_CHARACTERS:
        return None
    for parse in (email.utils.parsedate_to_datetime, datetime.fromisoformat):
        try:
            return max(0.0, parse(told).timestamp() - now)
        except (ValueError, TypeError, OverflowError, OSError, IndexError):
            continue
    return None
