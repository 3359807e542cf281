from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from support.usage import ask, past, roll_up, write

from flask_aiagents.features.analytics.period import Period

LABELS: dict[str, Callable[[date], Any]] = {
    "day": lambda day: day,
    "week": lambda day: day.isocalendar()[:2],
    "month": lambda day: (day.year, day.month),
}


@pytest.mark.parametrize(
    ("zone", "around"),
    [
        ("Europe/Berlin", "2026-03-29"),
        ("Europe/Berlin", "2026-10-25"),
        ("America/Sao_Paulo", "2018-02-17"),  # a day of 25 hours: its last one twice
        ("America/Sao_Paulo", "2018-11-04"),  # a day that begins at one o'clock
        ("Australia/Lord_Howe", "2026-04-05"),  # half an hour back
        ("Asia/Kolkata", "2026-02-28"),
        ("Asia/Kathmandu", "2025-12-31"),
        ("Pacific/Apia", "2011-12-30"),  # a day that never was
        ("Pacific/Kiritimati", "2024-02-29"),
        ("America/St_Johns", "2026-11-01"),
    ],
)
def test_each_step_has_what_the_calendar_of_the_zone_says(host: Flask, zone: str, around: str) -> None:
    """Also where clocks change, days are short, long or missing, and months end; rolled up or not."""
    middle, there, dice = datetime.fromisoformat(around).replace(tzinfo=UTC), ZoneInfo(zone), random.Random(7)
    period = Period(middle - timedelta(days=3, minutes=dice.randrange(600)), middle + timedelta(days=4))
    logs = past(period.end, 7, 300) + past(middle + timedelta(days=1, hours=6), 2, 300, seed=2)
    write(host, logs)
    inside = [log["created_at"] for log in logs if period.start <= log["created_at"] < period.end]
    for _ in range(2):
        for step, label in LABELS.items():
            expected = Counter(label(at.astimezone(there).date()) for at in inside)
            steps = ask(host, "timeseries", period, step=step, zone=zone)
            told = {label(one["start"].astimezone(there).date()): one["executions"] for one in steps}
            assert {name: count for name, count in told.items() if count} == expected, step
            assert len(told) == len(steps)
        roll_up(host)
