from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import ALICE, BOB, CHARLIE, ROOT
from support.usage import agent_name_of, ask, counted, exact, past, roll_up, write

from flask_aiagents.core.principal import Principal
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.errors import Forbidden
from flask_aiagents.features.analytics.figures import Figures
from flask_aiagents.features.analytics.levels import ROLLED
from flask_aiagents.features.analytics.models import Usage
from flask_aiagents.features.analytics.period import Period

END = datetime(2026, 3, 31, 10, 20, 30, 400_000, tzinfo=UTC)
"""In no whole hour; the day of the change to summer time and a month's end are among the days before."""

LOGS = past(END, 9, 900)
EVERYONE = [ALICE, BOB, CHARLIE, ROOT]


def _seen(principal: Principal, period: Period) -> list[dict[str, Any]]:
    return [
        log
        for log in LOGS
        if period.start <= log["created_at"] < period.end
        and (principal is ROOT or log["tenant_id"] == principal.tenant_id)
        and (principal is not BOB or log["user_id"] == "bob")
    ]


@pytest.fixture(params=["unrolled", "half rolled", "rolled"])
def told(request: pytest.FixtureRequest, any_host: Flask) -> Flask:
    """A host with the logs, of which the rollups hold none, some, or all: no figure may depend on it."""
    write(any_host, LOGS[:500])
    if request.param != "unrolled":
        assert roll_up(any_host) == 500
    write(any_host, LOGS[500:])
    if request.param == "rolled":
        assert roll_up(any_host) == 400
    return any_host


def test_sums_are_those_of_the_log(told: Flask) -> None:
    """For each of the cast: what a period holds, and the one before it, to the last digit."""
    for start in (END - timedelta(days=4), END - timedelta(minutes=90), END - timedelta(days=3, minutes=5)):
        period = Period(start, END)
        before = Period(start - (END - start), start)
        for who in EVERYONE:
            answer = ask(told, "summary", period, principal=who)
            logs = _seen(who, period)
            assert exact(answer) == counted(logs), who
            assert exact(answer["previous"]) == counted(_seen(who, before)), who
            assert answer["unpriced"] == sum(log["unpriced"] for log in logs)
            assert sum(answer["errors"].values()) == answer["failed"]


def _key(by: str, log: dict[str, Any]) -> Any:
    if by == "model":
        return log["model"] and f"{log['provider']}/{log['model']}"
    return log["provider" if by == "provider" else f"{by}_id"]


def test_usage_is_that_of_the_log(told: Flask) -> None:
    """Each agent, user, tenant, model and provider has its own sums, the most used first."""
    period = Period(END - timedelta(days=5, minutes=7), END - timedelta(minutes=1))
    for who, by in product(EVERYONE, ("agent", "user", "model", "provider", "tenant")):
        if by == "tenant" and who is not ROOT:
            with pytest.raises(Forbidden):
                ask(told, "usage", period, by=by, principal=who)
            continue
        expected: defaultdict[Any, list[dict[str, Any]]] = defaultdict(list)
        for log in _seen(who, period):
            expected[_key(by, log)].append(log)
        answer = ask(told, "usage", period, by=by, principal=who)
        assert {line["key"]: exact(line) for line in answer} == {k: counted(logs) for k, logs in expected.items()}
        most = [line["executions"] for line in answer]
        assert most == sorted(most, reverse=True)
        if by == "agent":
            assert {line["name"] for line in answer} == {agent_name_of(line["key"]) for line in answer}


STEPS = [
    ("hour", "UTC", 75),
    ("day", "UTC", 4),
    ("day", "Europe/Berlin", 4),
    ("day", "Asia/Kolkata", 4),
    ("day", "Asia/Kathmandu", 4),
    ("week", "America/New_York", 2),
    ("month", "Europe/Berlin", 1),
    ("month", "Pacific/Kiritimati", 2),
]


def test_steps_add_up_to_the_period(told: Flask) -> None:
    """Every step has what the calendar of the zone puts into it, and all steps together the whole period."""
    period = Period(END - timedelta(days=3, hours=2), END)
    whole = ask(told, "summary", period, principal=ALICE)["executions"]
    for step, zone, steps in STEPS:
        answer = ask(told, "timeseries", period, step=step, zone=zone, principal=ALICE)
        assert len(answer) == steps, (step, zone)
        ends = [*(line["start"] for line in answer[1:]), period.end]
        for line, end in zip(answer, ends, strict=True):
            span = Period(max(line["start"], period.start), end)
            assert exact(line) == counted(_seen(ALICE, span)), (zone, line["start"])
        assert sum(line["executions"] for line in answer) == whole


def test_errors_are_told_apart_and_lead_to_a_log(told: Flask) -> None:
    """Each kind with its count, its agents, its last time and a log of that time which the asker may read."""
    period = Period(END - timedelta(days=8), END)
    for who in EVERYONE:
        failed = [log for log in _seen(who, period) if log["status"] != "success"]
        answer = ask(told, "errors", period, principal=who)
        assert sum(line["executions"] for line in answer) == len(failed)
        for line in answer:
            kind = None if line["error"] == line["status"] == "error" else line["error"]
            alike = [log for log in failed if (log["status"], log["error"]) == (line["status"], kind)]
            last = max(alike, key=lambda log: log["id"])
            assert line["executions"] == len(alike)
            assert line["agents"] == len({log["agent_id"] for log in alike} - {None})
            assert (line["last_at"], line["example_log_id"]) == (last["created_at"], last["id"])


def test_every_level_sums_to_the_log(told: Flask) -> None:
    """Counts, tokens and cost of all rows of each level, by hour, day and week, are those of the log."""
    roll_up(told)
    database = told.extensions["aiagents"].database
    for level, grains in ROLLED.items():
        for grain in grains:
            total = Figures()
            with told.app_context(), database.transaction(SYSTEM) as session:
                for row in session.scalars(sa.select(Usage).where(Usage.level == level, Usage.grain == grain)):
                    total.add(row)
            assert exact(total.full()) == counted(LOGS), (level, grain)
            assert sum(total.durations.values()) == sum(log["duration_ms"] is not None for log in LOGS)
