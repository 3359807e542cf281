from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from support.cast import ALICE, BOB, CHARLIE, ROOT, Clients, make_agent
from support.logs import begin, execution
from support.usage import analytics_of, ask, past, roll_up, write

from flask_aiagents.core.clock import utcnow
from flask_aiagents.errors import BadRequest, NotFound, Unauthorized
from flask_aiagents.features.analytics.histogram import bucket, middle
from flask_aiagents.features.analytics.period import Period

MONTH = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


def test_any_duration_is_within_5_percent_of_its_bucket() -> None:
    """What a bucket says of a duration is within 5% of it, and exact below 64 ms."""
    dice = random.Random(3)
    for duration in [*range(5_000), *(int(10 ** (dice.random() * 15)) for _ in range(20_000)), 2**53]:
        assert abs(middle(bucket(duration)) - duration) <= (0.05 * duration if duration >= 64 else 0), duration


SKEWED: dict[str, Callable[[random.Random], float]] = {
    "log-normal": lambda dice: dice.lognormvariate(7, 1.5),
    "narrow": lambda dice: dice.lognormvariate(6.5, 0.05),
    "bimodal": lambda dice: dice.choice([dice.gauss(80, 5), dice.gauss(30_000, 900)]),
    "constant": lambda dice: 1_234,
    "heavy tail": lambda dice: 20 * dice.paretovariate(0.6),
    "fast": lambda dice: dice.expovariate(1 / 15),
    "one slow in thirty": lambda dice: 600_000 if dice.random() < 1 / 30 else 150,
}


def test_percentiles_of_skewed_durations_are_within_5_percent(any_host: Flask) -> None:
    """p50, p95 and p99 are near the nearest rank, whatever the durations are like, rolled up or not."""
    dice, end = random.Random(11), datetime(2026, 3, 20, tzinfo=UTC)
    days = {
        name: Period(end - timedelta(days=day + 1), end - timedelta(days=day)) for day, name in enumerate(SKEWED)
    }
    known = {}
    for name, period in days.items():
        logs = past(period.end, 1, 700)
        for log in logs:
            log["duration_ms"] = int(SKEWED[name](dice)) if dice.random() < 0.95 else None
        known[name] = sorted(log["duration_ms"] for log in logs if log["duration_ms"] is not None)
        write(any_host, logs)
    for _ in range(2):
        for name, durations in known.items():
            spread = ask(any_host, "summary", days[name])["duration_ms"]
            for percent in (50, 95, 99):
                true = durations[-(-len(durations) * percent // 100) - 1]
                assert abs(spread[f"p{percent}"] - true) <= 0.05 * true, (name, percent)
            assert spread["mean"] == round(sum(durations) / len(durations))
        roll_up(any_host)


def test_nothing_has_figures_too(host: Flask, clients: Clients) -> None:
    """Without any log counts are 0, what cannot be known is None, and no step is left out."""
    agent = UUID(make_agent(clients.alice)["id"])
    summary = ask(host, "summary", MONTH, agent_id=agent, principal=BOB)
    assert (summary["executions"], summary["success_rate"], summary["cost_usd"]) == (0, None, Decimal(0))
    assert summary["duration_ms"] == {"mean": None, "p50": None, "p95": None, "p99": None}
    assert (summary["errors"], summary["previous"]["executions"]) == ({}, 0)
    steps = ask(host, "timeseries", MONTH)
    assert [step["start"].day for step in steps] == list(range(1, 32))
    assert {(step["executions"], step["p95_ms"], step["success_rate"]) for step in steps} == {(0, None, None)}
    assert (ask(host, "usage", MONTH), ask(host, "errors", MONTH)) == ([], [])
    assert ask(host, "weekly", []) == {}
    week = ask(host, "weekly", [agent])[agent]
    assert week.pop("client_reported") == {"executions": 0, "tokens_used": 0, "cost_usd": Decimal(0)}
    assert week == {"executions": 0, "success_rate": None, "cost_usd": Decimal(0), "by_day": [0] * 7}


def _counts(app: Flask, period: Period, **options: Any) -> dict[str, int]:
    steps = ask(app, "timeseries", period, **options)
    return {step["start"].isoformat()[:16]: step["executions"] for step in steps}


@pytest.mark.parametrize(("day", "hours"), [(datetime(2026, 3, 29), 23), (datetime(2026, 10, 25), 25)])
def test_a_day_of_the_change_of_clocks_has_23_or_25_hours(host: Flask, day: datetime, hours: int) -> None:
    """In Berlin the day of the change takes what is in its own hours, and its neighbours theirs."""
    start = {23: "2026-03-28T23:00", 25: "2026-10-24T22:00"}[hours]
    begin_at = datetime.fromisoformat(start).replace(tzinfo=UTC)
    agent, end = str(uuid4()), begin_at + timedelta(hours=hours)
    for at in (begin_at - timedelta(seconds=1), begin_at, end - timedelta(seconds=1), end):
        execution(host, agent, at=at)
    period = Period(begin_at - timedelta(days=1), end + timedelta(days=1))
    for _ in range(2):
        counts = _counts(host, period, zone="Europe/Berlin")
        assert counts[start] == 2
        assert counts[end.isoformat()[:16]] == 1
        assert sum(counts.values()) == 4
        roll_up(host)


def test_months_end_where_the_zone_says(host: Flask) -> None:
    """The last minute of January in New York is February in UTC; leap days and short months are whole."""
    execution(host, str(uuid4()), at=datetime(2024, 2, 1, 4, 59, tzinfo=UTC))
    execution(host, str(uuid4()), at=datetime(2024, 2, 29, 23, 59, tzinfo=UTC))
    roll_up(host)
    period = Period(datetime(2024, 1, 10, tzinfo=UTC), datetime(2024, 3, 20, tzinfo=UTC))
    assert list(_counts(host, period, step="month").values()) == [0, 2, 0]
    assert _counts(host, period, step="month", zone="America/New_York") == {
        "2024-01-01T05:00": 1,
        "2024-02-01T05:00": 1,
        "2024-03-01T05:00": 0,
    }
    weeks = ask(host, "timeseries", period, step="week")
    assert {step["start"].weekday() for step in weeks} == {0}


def test_a_week_of_many_agents_at_once(any_host: Flask, any_clients: Clients) -> None:
    """Each agent has its seven days, the oldest first, today last, and nothing older; by role."""
    first, second = (make_agent(any_clients.root, name)["id"] for name in ("One", "Two"))
    today = utcnow().replace(hour=0, minute=0, second=0, microsecond=0)
    for days in (0, 0, 2, 6, 7):
        execution(any_host, first, at=today - timedelta(days=days))
    execution(any_host, first, at=today, principal=ALICE, status="error", error="timeout")
    execution(any_host, second, at=today, principal=CHARLIE)
    for _ in range(2):
        ids = [UUID(first), UUID(second), uuid4()]
        weeks = {who: ask(any_host, "weekly", ids, principal=who) for who in (ALICE, BOB, CHARLIE, ROOT)}
        assert weeks[ALICE][ids[0]]["by_day"] == [1, 0, 0, 0, 1, 0, 3]
        assert weeks[ALICE][ids[0]]["success_rate"] == 0.8
        assert weeks[BOB][ids[0]]["by_day"] == [1, 0, 0, 0, 1, 0, 2]
        assert weeks[BOB][ids[0]]["cost_usd"] == Decimal("0.4")
        assert [weeks[CHARLIE][one]["executions"] for one in ids] == [0, 1, 0]
        assert [weeks[ROOT][one]["executions"] for one in ids] == [5, 1, 0]
        roll_up(any_host)


def test_tenants_and_users_see_their_own(any_host: Flask, any_clients: Clients) -> None:
    """charlie sees none of acme, bob himself, alice acme, root all, or acme when acting for it."""
    shared, own = (make_agent(client)["id"] for client in (any_clients.root, any_clients.alice))
    for principal in (ALICE, BOB, BOB, CHARLIE, ROOT):
        execution(any_host, shared, principal=principal)
    execution(any_host, own, principal=BOB, status="error", error="timeout")
    period = Period.recent("2d")
    for _ in range(2):
        cast = {"alice": ALICE, "bob": BOB, "charlie": CHARLIE, "root": ROOT, "acme": ROOT.acting_for("acme")}
        seen = {
            who: (
                ask(any_host, "summary", period, principal=principal)["executions"],
                ask(any_host, "summary", period, principal=principal, agent_id=UUID(shared))["executions"],
                sorted(line["key"] for line in ask(any_host, "usage", period, by="user", principal=principal)),
                len(ask(any_host, "errors", period, principal=principal)),
            )
            for who, principal in cast.items()
        }
        assert seen == {
            "alice": (4, 3, ["alice", "bob"], 1),
            "bob": (3, 2, ["bob"], 1),
            "charlie": (1, 1, ["charlie"], 0),
            "root": (6, 5, ["alice", "bob", "charlie", "root"], 1),
            "acme": (4, 3, ["alice", "bob"], 1),
        }
        with pytest.raises(NotFound):
            ask(any_host, "summary", period, agent_id=UUID(own), principal=CHARLIE)
        roll_up(any_host)
    with pytest.raises(Unauthorized), any_host.app_context():
        analytics_of(any_host).summary(period)


def test_a_running_execution_is_in_no_figure(host: Flask) -> None:
    """What has not ended is not counted."""
    begin(host, str(uuid4()))
    assert ask(host, "summary", Period.recent("2d"))["executions"] == 0


def test_sums_beyond_every_integer_stay_exact(any_host: Flask, any_clients: Clients) -> None:
    """The largest counts and amounts that a client may post, many times, neither overflow nor stop the roller."""
    most = {"action": "execute", "tokens_used": 2**53, "duration_ms": 2**53, "cost_usd": "9000000.000000000001"}
    url = "/api/ai_agent_activity_logs"
    posted = any_clients.alice.post(url, json=[most] * 2000, headers={"Prefer": "return=minimal"})
    assert posted.status_code == 201
    for _ in range(2):
        figures = ask(any_host, "summary", Period.recent("2d"), principal=ALICE)
        assert (figures["tokens_used"], figures["cost_usd"]) == (2000 * 2**53, Decimal("18000000000.000000002000"))
        assert roll_up(any_host) in (2000, 0)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("timeseries", {"step": "hour"}),
        ("timeseries", {"step": "minute"}),
        ("timeseries", {"zone": "Mars/Olympus"}),
        ("timeseries", {"zone": "../../etc/passwd"}),
        ("timeseries", {"zone": ""}),
        ("timeseries", {"zone": "Europe"}),
        ("timeseries", {"zone": "\x00"}),
        ("usage", {"by": "colour"}),
        ("usage", {"top": 0}),
        ("errors", {"top": 201}),
    ],
)
def test_what_cannot_be_told_is_a_400_that_says_how(host: Flask, name: str, options: dict[str, Any]) -> None:
    """Unknown steps, zones and groupings, and too many steps or rows, are refused with a hint."""
    period = Period(datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(BadRequest) as refused:
        ask(host, name, period, **options)
    assert refused.value.hint


def test_a_thousand_steps_of_any_zone_can_be_told(host: Flask) -> None:
    """The longest charts work where no day of the zone begins with an hour of UTC, too."""
    for zone in ("UTC", "Asia/Kolkata", "Europe/Berlin"):
        period = Period(datetime(2023, 1, 1, tzinfo=UTC), datetime(2023, 1, 1, tzinfo=UTC) + timedelta(days=998))
        assert len(ask(host, "timeseries", period, zone=zone)) in (998, 999)


def test_a_deleted_agent_keeps_its_name_in_figures(host: Flask, clients: Clients) -> None:
    """Usage names agents by their present name, and those that are gone by their last."""
    agent = make_agent(clients.alice, "Before")["id"]
    execution(host, agent)
    clients.alice.patch(f"/api/ai_agents/{agent}", json={"name": "After"})
    for _ in range(2):
        assert [line["name"] for line in ask(host, "usage", Period.recent("2d"))] == ["After"]
        clients.alice.delete(f"/api/ai_agents/{agent}")
