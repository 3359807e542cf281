from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from support.cast import ALICE, BOB, CHARLIE, ROOT, Clients, make_agent
from support.logs import begin, execution

from flask_aiagents.core.clock import utcnow
from flask_aiagents.features.analytics.service import REFRESH_BATCH, REFRESH_EVERY, Analytics


def _metrics(client: Any, agent: str, **period: str) -> Any:
    return client.get(f"/api/ai_agents/{agent}/performance_metrics?{urlencode(period)}").json


def test_figures_are_those_of_the_log(any_host: Flask, any_clients: Clients) -> None:
    """Executions, success rate, durations, tokens, cost, unpriced ones and the last use, and nothing else."""
    agent, other = make_agent(any_clients.alice)["id"], make_agent(any_clients.alice, "Other")["id"]
    for number in (30, 10, 20):
        execution(any_host, agent, duration_ms=number, cost_usd=Decimal("0.000000000001"))
    last = execution(
        any_host,
        agent,
        status="error",
        error="timeout",
        duration_ms=100,
        cost_usd=None,
        unpriced=True,
        tokens_used=None,
    )
    begin(any_host, agent)
    execution(any_host, other, duration_ms=9999)
    any_clients.alice.patch(f"/api/ai_agents/{agent}", json={"description": "an update is no execution"})
    figures = _metrics(any_clients.alice, agent)
    expected = {
        "agent_id": agent,
        "executions": 4,
        "succeeded": 3,
        "failed": 1,
        "success_rate": 0.75,
        "duration_ms": {"mean": 40, "p95": 100},
        "tokens_used": 21,
        "input_tokens": 12,
        "output_tokens": 16,
        "cost_usd": "0.000000000003",
        "unpriced": 1,
    }
    assert {name: figures[name] for name in expected} == expected
    assert (
        figures["last_used_at"] == any_clients.alice.get(f"/api/ai_agent_activity_logs/{last}").json["created_at"]
    )
    assert figures["as_of"].endswith("Z")
    assert set(figures["period"]) == {"from", "to"}


def test_an_unused_agent_has_figures_too(any_clients: Clients) -> None:
    """Without executions the counts are 0 and what cannot be known is null."""
    figures = _metrics(any_clients.alice, make_agent(any_clients.alice)["id"])
    assert (figures["executions"], figures["success_rate"], figures["last_used_at"]) == (0, None, None)
    assert figures["duration_ms"] == {"mean": None, "p95": None}
    assert Decimal(figures["cost_usd"]) == 0


@pytest.mark.parametrize(
    ("durations", "p95"), [([7], 7), (range(1, 11), 10), (range(1, 101), 95), (range(1, 21), 19)]
)
def test_p95_is_the_nearest_rank(host: Flask, clients: Clients, durations: Any, p95: int) -> None:
    """The smallest duration that 95 of 100 do not exceed, exactly, in whatever order they came."""
    agent = make_agent(clients.alice)["id"]
    for duration in random.Random(1).sample(list(durations), len(durations)):
        execution(host, agent, duration_ms=duration)
    assert _metrics(clients.alice, agent)["duration_ms"]["p95"] == p95


def test_r31_money_adds_up_exactly(any_clients: Clients) -> None:
    """Ten thousand times 0.1 USD, posted by a client as executions, is 1000 USD to the last of twelve digits."""
    agent = make_agent(any_clients.alice)["id"]
    item = {"action": "execute", "agent_id": agent, "cost_usd": "0.100000000001"}
    made = any_clients.alice.post(
        "/api/ai_agent_activity_logs", json=[item] * 10_000, headers={"Prefer": "return=minimal"}
    )
    assert made.status_code == 201
    assert _metrics(any_clients.alice, agent)["cost_usd"] == "1000.000000010000"


def test_each_sees_the_figures_of_what_it_may_see(any_host: Flask, any_clients: Clients) -> None:
    """bob's figures are his own, alice's her tenant's, root's all; another tenant's agent is a 404."""
    shared, own = make_agent(any_clients.root, "Shared")["id"], make_agent(any_clients.alice, "Own")["id"]
    for principal in (ALICE, BOB, BOB, CHARLIE, ROOT):
        execution(any_host, shared, principal=principal)
    counts = {
        who: _metrics(getattr(any_clients, who), shared)["executions"]
        for who in ("alice", "bob", "charlie", "root")
    }
    assert counts == {"alice": 3, "bob": 2, "charlie": 1, "root": 5}
    url = f"/api/ai_agents/{own}/performance_metrics"
    assert any_clients.charlie.get(url).status_code == 404
    assert any_clients.nobody.get(url).status_code == 401


def test_a_period_is_chosen_by_length_or_by_times(any_host: Flask, any_clients: Clients) -> None:
    """last=..., or from and to, count what began in them; to itself is not in it."""
    agent, now = make_agent(any_clients.alice)["id"], utcnow()
    for hours in (1, 24 * 5, 24 * 10, 24 * 40):
        execution(any_host, agent, at=now - timedelta(hours=hours))
    counted = {
        last: _metrics(any_clients.alice, agent, last=last)["executions"]
        for last in ("90m", "2d", "1w", "3w", "60d")
    }
    assert counted == {"90m": 1, "2d": 1, "1w": 2, "3w": 3, "60d": 4}
    assert _metrics(any_clients.alice, agent)["executions"] == 3
    start, end = ((now - timedelta(hours=hours)).replace(microsecond=0) for hours in (24 * 11, 2))
    asked = {"from": start.isoformat(), "to": end.isoformat().replace("+00:00", "Z")}
    figures = _metrics(any_clients.alice, agent, **asked)
    assert figures["executions"] == 2
    assert figures["period"] == {name: value.replace("+00:00", "Z") for name, value in asked.items()}
    moment = (now - timedelta(hours=5)).replace(microsecond=0)
    execution(any_host, agent, at=moment)
    before = {"from": (moment - timedelta(hours=1)).isoformat(), "to": moment.isoformat()}
    after = {"from": moment.isoformat(), "to": (moment + timedelta(hours=1)).isoformat()}
    assert _metrics(any_clients.alice, agent, **before)["executions"] == 0
    assert _metrics(any_clients.alice, agent, **after)["executions"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "last=30",
        "last=-1d",
        "last=0d",
        "last=99999w",
        "last=1y",
        "last=%D9%A3d",
        "last=",
        "from=yesterday",
        "to=2026-13-01",
        "from=2026-02-01&to=2026-01-01",
        "from=2026-01-01&last=3d",
        "from=0001-01-01T00:00:00%2B10:00",
        "to=0001-01-01T00:00:00",
        "from=%00",
        "lst=3d",
    ],
)
def test_a_nonsense_period_is_a_400_that_says_how(clients: Clients, query: str) -> None:
    """Whatever is no period is refused with a hint."""
    agent = make_agent(clients.alice)["id"]
    response = clients.alice.get(f"/api/ai_agents/{agent}/performance_metrics?{query}")
    assert response.status_code == 400, response.text
    assert response.json["hint"]


def test_maintenance_refreshes_the_figures_that_an_agent_carries(any_host: Flask, any_clients: Clients) -> None:
    """An agent that ran carries its figures after a tick; version and updated_at stay; an idle one has none."""
    ran, idle = make_agent(any_clients.alice), make_agent(any_clients.alice, "Idle")
    execution(any_host, ran["id"], cost_usd=Decimal("0.000000000001"))
    assert any_host.extensions["aiagents"].maintenance.tick()["cached figures"] == 1
    response = any_clients.alice.get(f"/api/ai_agents/{ran['id']}")
    cached = response.json["performance_metrics"]
    assert (cached["executions"], cached["cost_usd"]) == (1, "0.000000000001")
    assert cached["as_of"].endswith("Z")
    assert response.json | {"performance_metrics": None} == ran
    assert response.headers["ETag"] == '"1"'
    assert any_clients.alice.get(f"/api/ai_agents/{idle['id']}").json["performance_metrics"] is None


def test_figures_are_refreshed_once_a_minute_at_most(any_host: Flask, any_clients: Clients) -> None:
    """Within a minute nothing is taken anew; after it, what ran since is."""
    agent, now = make_agent(any_clients.alice)["id"], utcnow()
    analytics: Analytics = any_host.extensions["aiagents"].analytics
    execution(any_host, agent)
    with any_host.app_context():
        assert analytics.refresh_cached(now + timedelta(seconds=1)) == 1
        execution(any_host, agent)
        assert analytics.refresh_cached(now + timedelta(seconds=30)) == 0
        assert analytics.refresh_cached(now + timedelta(seconds=2) + REFRESH_EVERY) == 1
    cached = any_clients.alice.get(f"/api/ai_agents/{agent}").json["performance_metrics"]
    assert cached["executions"] == 2


def test_a_tick_refreshes_a_bounded_number_and_none_starves(host: Flask, clients: Clients) -> None:
    """Of more agents than one tick takes, each has its turn in the following ticks."""
    agents = [make_agent(clients.alice, f"Agent {n}")["id"] for n in range(REFRESH_BATCH + 3)]
    for agent in agents:
        execution(host, agent)
    analytics, now = host.extensions["aiagents"].analytics, utcnow() + timedelta(seconds=1)
    with host.app_context():
        assert [analytics.refresh_cached(now) for _ in range(3)] == [REFRESH_BATCH, 3, 0]
        later = now + REFRESH_EVERY
        assert analytics.refresh_cached(later) + analytics.refresh_cached(later) == len(agents)


def test_figures_of_a_deleted_agent_are_gone(host: Flask, clients: Clients) -> None:
    """A deleted agent has no figures, and maintenance passes it over."""
    agent = make_agent(clients.alice)["id"]
    execution(host, agent)
    clients.alice.delete(f"/api/ai_agents/{agent}")
    assert clients.alice.get(f"/api/ai_agents/{agent}/performance_metrics").status_code == 404
    assert host.extensions["aiagents"].maintenance.tick()["cached figures"] == 0
