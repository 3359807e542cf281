"""Figures of days whose logs have left: sums are all that is there, and nothing of them may be lost."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import ALICE, BOB, ROOT, make_agent
from support.usage import AGENTS, ask, counted, exact, past, roll_up, write

from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.principal import Principal
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.activity.retention import Retention
from flask_aiagents.features.analytics.models import Usage
from flask_aiagents.features.analytics.period import Period

ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia")
DAY = timedelta(days=1)


def forty_days(app: Flask) -> list[dict[str, Any]]:
    """Of which the older thirty have left the log."""
    logs = past(utcnow(), 40, 1_500)
    write(app, logs)
    roll_up(app)
    system = app.extensions["aiagents"]
    with app.app_context():
        assert Retention(system.database, system.access, {"*": 10}).apply() > 0
    return logs


def total(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """The sum of all steps."""
    return {name: sum(step[name] for step in steps) for name in counted([])}


def of(who: Principal, logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The logs that the principal may see."""
    mine = [log for log in logs if who is ROOT or log["tenant_id"] == who.tenant_id]
    return [log for log in mine if who is not BOB or log["user_id"] == "bob"]


@pytest.mark.parametrize("zone", ZONES)
def test_nothing_is_lost_in_any_zone(any_host: Flask, zone: str) -> None:
    """Days, weeks and hours of any zone add up to all that there was, for a user, an admin and the operator."""
    logs = forty_days(any_host)
    period = Period.recent("50d", zone=zone)
    for who in (BOB, ALICE, ROOT):
        for step in ("day", "week"):
            steps = ask(any_host, "timeseries", period, step=step, zone=zone, principal=who)
            assert total(steps) == counted(of(who, logs)), (who, step)
        assert exact(ask(any_host, "summary", period, principal=who)) == counted(of(who, logs))
    for by in ("user", "agent", "model"):
        assert total(ask(any_host, "usage", period, by=by, top=50, principal=ALICE)) == counted(of(ALICE, logs))


def test_a_rebuild_mends_weeks_whose_logs_have_left(host: Flask) -> None:
    """What a process of the version before counted into days alone is in the weeks after a rebuild."""
    logs, system = forty_days(host), host.extensions["aiagents"]
    with host.app_context():
        with system.database.transaction(SYSTEM) as session:
            session.execute(sa.delete(Usage).where(Usage.grain == "week"))
        system.analytics.rebuild(utcnow() - 50 * DAY, utcnow())
    assert exact(ask(host, "summary", Period.recent("50d"))) == counted(logs)


def test_a_user_and_an_agent_together(any_host: Flask) -> None:
    """What is kept by day alone is told by days, the nearest ones, and adds up, too."""
    logs = [log for log in forty_days(any_host) if log["agent_id"] == AGENTS[0]]
    steps = ask(
        any_host,
        "timeseries",
        Period.recent("50d", zone="America/New_York"),
        zone="America/New_York",
        agent_id=AGENTS[0],
        principal=BOB,
    )
    assert total(steps) == counted(of(BOB, logs))
    assert len([step for step in steps if step["executions"]]) > 30


def test_periods_that_meet_within_an_hour_share_nothing(any_host: Flask) -> None:
    """Of days whose logs have left each hour belongs to one of them, whole; of others each log."""
    logs = forty_days(any_host)
    meeting = [utcnow() - 40 * DAY + timedelta(minutes=977 * number) for number in range(59)]
    bounds = [utcnow() - 41 * DAY, *meeting, utcnow() + DAY]
    parts = [
        exact(ask(any_host, "summary", Period(start, end), principal=ALICE)) for start, end in pairwise(bounds)
    ]
    assert total(parts) == counted(of(ALICE, logs))


def test_an_agent_keeps_its_figures(any_host: Flask, any_clients: Any) -> None:
    """Its page tells what the summary tells, with a percentile within 5%, when its logs have left."""
    agent = make_agent(any_clients.alice)["id"]
    logs = [
        log | {"agent_id": UUID(agent), "duration_ms": 100 + n} for n, log in enumerate(past(utcnow(), 20, 400))
    ]
    logs = [log | {"tenant_id": "acme"} for log in logs]
    write(any_host, logs)
    roll_up(any_host)
    url = f"/api/ai_agents/{agent}/performance_metrics?last=30d"
    before = any_clients.alice.get(url).json
    assert before["duration_ms"]["p95"] == 100 + 380 - 1
    system = any_host.extensions["aiagents"]
    with any_host.app_context():
        Retention(system.database, system.access, {"*": 10}).apply()
    after = any_clients.alice.get(url).json
    assert after["executions"] == before["executions"] == 400
    assert after["cost_usd"] == before["cost_usd"]
    assert after["duration_ms"]["p95"] == pytest.approx(479, rel=0.05)
