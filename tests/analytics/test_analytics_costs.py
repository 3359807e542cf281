from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from support.cast import ALICE, BOB, CHARLIE, ROOT, Clients
from support.hosts import close, make_host
from support.usage import ask, counted, exact, past, roll_up, write

from flask_aiagents import Principal, Role
from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.analytics.costs import projection
from flask_aiagents.features.analytics.period import Period
from flask_aiagents.features.analytics.which import Only
from flask_aiagents.testing import client_as

DAY = timedelta(days=1)


def of_acme(logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [log for log in logs if log["tenant_id"] == "acme"]


def by(logs: list[dict[str, Any]], *names: str) -> Any:
    """What the logs say each cost."""
    sums: Any = Counter()
    for log in logs:
        sums[tuple(log[name] for name in names)] += log["cost_usd"] or Decimal(0)
    return sums


@pytest.fixture
def logs(any_host: Flask) -> list[dict[str, Any]]:
    """Twenty days, half of them rolled up."""
    made = past(utcnow(), 20, 400)
    write(any_host, made[:200])
    roll_up(any_host)
    write(any_host, made[200:])
    return made


def test_costs_are_those_of_the_log_to_the_last_digit(any_host: Flask, logs: list[dict[str, Any]]) -> None:
    """In all, by model and by agent, the dearest first; the shares are of the whole."""
    mine = of_acme(logs)
    answer = ask(any_host, "costs", Period.recent("30d"), principal=ALICE)
    total = counted(mine)["cost_usd"]
    assert answer["cost_usd"] == total
    models = by(mine, "provider", "model")
    assert [row["cost_usd"] for row in answer["by_model"]] == sorted(models.values(), reverse=True)
    agents = by(mine, "agent_id")
    assert {row["key"]: row["cost_usd"] for row in answer["by_agent"]} == {
        key[0]: amount for key, amount in agents.items()
    }
    assert sum(row["share"] for row in answer["by_model"]) == pytest.approx(1)
    assert sum(row["cost_usd"] for row in answer["by_agent"]) == total


def test_what_has_no_price_is_told_apart(any_host: Flask, logs: list[dict[str, Any]]) -> None:
    """By model, how many; never as nothing."""
    answer = ask(any_host, "costs", Period.recent("30d"), principal=ROOT)
    wanted = Counter((log["provider"], log["model"]) for log in logs if log["unpriced"])
    assert {(row["provider"], row["model"]): row["executions"] for row in answer["unpriced"]} == wanted


def test_the_dearest_are_found_among_many(any_host: Flask, logs: list[dict[str, Any]]) -> None:
    """Top cuts the rest off, and ranks by cost, not by runs."""
    answer = ask(any_host, "costs", Period.recent("30d"), top=2, principal=ROOT)
    dearest = by(logs, "agent_id").most_common(2)
    found = [(row["key"], row["cost_usd"]) for row in answer["by_agent"]]
    assert found == [(key[0], sum_) for key, sum_ in dearest]
    assert len(answer["by_model"]) == 2


def test_one_users_figures(any_host: Flask, logs: list[dict[str, Any]]) -> None:
    """An admin asks about one of its users; a user about itself, and learns nothing of others."""
    period, bobs = Period.recent("30d"), [log for log in logs if log["user_id"] == "bob"]
    for principal, user_id, wanted in (
        (ALICE, "bob", bobs),
        (BOB, "bob", bobs),
        (BOB, "alice", []),
        (BOB, "nobody", []),
        (CHARLIE, "bob", []),
    ):
        figures = ask(any_host, "summary", period, user_id=user_id, principal=principal)
        assert exact(figures) == counted(wanted)
        steps = ask(any_host, "timeseries", period, user_id=user_id, principal=principal)
        assert sum(step["executions"] for step in steps) == len(wanted)
        costs = ask(any_host, "costs", period, user_id=user_id, principal=principal)
        assert costs["cost_usd"] == counted(wanted)["cost_usd"]
        models = ask(any_host, "usage", period, by="model", user_id=user_id, principal=principal)
        assert sum(row["executions"] for row in models) == len(wanted)
        kinds = ask(any_host, "errors", period, user_id=user_id, principal=principal)
        assert sum(row["executions"] for row in kinds) == counted(wanted)["failed"]


@pytest.mark.parametrize(
    ("now", "zone", "month", "left"),
    [
        (datetime(2026, 2, 20, 12, tzinfo=UTC), "UTC", "2026-02", 9),
        (datetime(2026, 1, 31, 23, 30, tzinfo=UTC), "Europe/Berlin", "2026-02", 28),
        (datetime(2026, 3, 1, 2, tzinfo=UTC), "America/Sao_Paulo", "2026-02", 1),
        (datetime(2026, 3, 29, 12, tzinfo=UTC), "Europe/Berlin", "2026-03", 3),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), "Asia/Kolkata", "2024-02", 1),
        (datetime(2026, 12, 31, 12, tzinfo=UTC), "UTC", "2026-12", 1),
    ],
)
def test_the_month_is_that_of_the_zone(host: Flask, now: datetime, zone: str, month: str, left: int) -> None:
    """What it has cost and will cost, at the ends of months, in leap years and where clocks change."""
    logs = past(now, 40, 400, seed=3)
    write(host, logs)
    roll_up(host)
    with host.app_context(), host.extensions["aiagents"].database.transaction(SYSTEM) as session:
        told = projection(session, zone, Only(), now)
    here = ZoneInfo(zone)
    today = now.astimezone(here).date()

    def spent(first: Any, end: Any) -> Decimal:
        inside = [log for log in logs if first <= log["created_at"].astimezone(here).date() < end]
        return counted(inside)["cost_usd"]

    begin = today.replace(day=1)
    expected = spent(begin, today) + spent(today - 7 * DAY, today) / 7 * left
    assert told["month"] == month
    assert told["spent_usd"] == spent(begin, today + DAY)
    assert told["projected_usd"] == max(told["spent_usd"], expected).quantize(Decimal("1e-12"))


def test_without_a_past_nothing_is_expected(host: Flask) -> None:
    """An empty log costs nothing, and says so instead of guessing."""
    answer = Clients.of(host).alice.get("/api/ai_agent_analytics/costs").json
    assert answer["cost_usd"] == "0.000000000000"
    assert answer["projection"]["projected_usd"] is None
    assert answer["by_model"] == answer["by_agent"] == answer["unpriced"] == []
    assert set(answer) >= {"period", "as_of", "previous"}


@pytest.mark.parametrize(
    "query", ["top=0", "top=999", "zone=Mars", "last=soon", "by=agent", "agent_id=x", "user=bob"]
)
def test_nonsense_is_a_400_with_a_hint(host: Flask, query: str) -> None:
    """Whatever is not understood says what would be."""
    answer = Clients.of(host).alice.get(f"/api/ai_agent_analytics/costs?{query}")
    assert answer.status_code == 400
    assert answer.json["hint"]


def test_strangers_agents_are_absent(host: Flask) -> None:
    """Another tenant's agent is no agent, here too."""
    clients = Clients.of(host)
    agent = clients.alice.post(
        "/api/ai_agents", json={"name": "A", "model_config": {"provider": "offline", "model": "offline"}}
    ).json
    assert clients.charlie.get(f"/api/ai_agent_analytics/costs?agent_id={agent['id']}").status_code == 404
    assert clients.nobody.get("/api/ai_agent_analytics/costs").status_code == 401


def test_days_are_those_of_the_principals_zone(host: Flask) -> None:
    """Unless the request names another; a zone that is none keeps nobody out."""
    for zone, asked, told in (
        ("Europe/Berlin", "", "Europe/Berlin"),
        ("Europe/Berlin", "&zone=Asia/Tokyo", "Asia/Tokyo"),
        (None, "", "UTC"),
        ("Mars/Olympus", "", "UTC"),
    ):
        client = client_as(host, Principal("alice", "acme", Role.TENANT_ADMIN, time_zone=zone))
        answer: Any = client.get(f"/api/ai_agent_analytics/timeseries?last=3d{asked}").json
        assert answer["zone"] == told
        first = datetime.fromisoformat(answer["steps"][1]["start"]).astimezone(ZoneInfo(told))
        assert (first.hour, first.minute) == (0, 0)


def test_a_hosts_user_brings_its_zone(tmp_path: Any) -> None:
    """An attribute ``time_zone`` of the host's user is taken, whatever it is made of."""

    class User:
        user_id, tenant_id, role, time_zone = "7", "acme", "tenant_admin", ZoneInfo("Asia/Kolkata")

    from flask_aiagents import AIAgents

    app = make_host(f"sqlite:///{tmp_path}/zone.db", aiagents=AIAgents(identity=User))
    answer: Any = app.test_client().get("/api/ai_agent_analytics/timeseries?last=2d").json
    assert answer["zone"] == "Asia/Kolkata"
    close(app)
