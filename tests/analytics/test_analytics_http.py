from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest
from flask import Flask
from support.cast import ALICE, CHARLIE, Clients, make_agent
from support.logs import execution

from flask_aiagents.core.clock import utcnow

URL = "/api/ai_agent_analytics"


@pytest.fixture
def agent(host: Flask, clients: Clients) -> str:
    """An agent that bob ran four times, and alice once in vain."""
    agent = make_agent(clients.alice)["id"]
    for duration in (10, 20, 30, 40):
        execution(host, agent, duration_ms=duration)
    execution(host, agent, principal=ALICE, status="timeout", error="timeout", cost_usd=None, unpriced=True)
    return agent


def test_the_summary_over_http(clients: Clients, agent: str) -> None:
    """Figures, the ones before, the period and the moment they were taken; money with all its digits."""
    answer = clients.alice.get(f"{URL}/summary?last=7d&agent_id={agent}").json
    none = {"executions": 0, "tokens_used": 0, "cost_usd": "0.000000000000"}
    expected = {
        "executions": 5,
        "succeeded": 4,
        "failed": 1,
        "success_rate": 0.8,
        "tokens_used": 35,
        "input_tokens": 15,
        "output_tokens": 20,
        "cost_usd": "0.400000000000",
        "unpriced": 1,
        "duration_ms": {"mean": 22, "p50": 20, "p95": 40, "p99": 40},
        "errors": {"timeout": 1},
        **dict.fromkeys(("client_reported", "unknown_source"), none),
    }
    assert {name: answer[name] for name in expected} == expected
    assert set(answer["previous"]) == set(expected)
    start, end = (datetime.fromisoformat(answer["period"][name]) for name in ("from", "to"))
    assert end - start == timedelta(days=7)
    assert timedelta(0) < end - utcnow() <= timedelta(days=1)
    assert end.time() == time(0)
    assert answer["as_of"].endswith("Z")


def test_the_other_answers_over_http(clients: Clients, agent: str) -> None:
    """Steps, usage and errors name what they are of, and hold the same figures."""
    series = clients.alice.get(f"{URL}/timeseries?last=48h&step=hour&zone=Europe/Berlin").json
    assert (series["step"], series["zone"], len(series["steps"])) == ("hour", "Europe/Berlin", 48)
    assert sum(step["executions"] for step in series["steps"]) == 5
    usage = clients.alice.get(f"{URL}/usage?by=user&top=1").json
    assert [(row["key"], row["executions"]) for row in usage["rows"]] == [("bob", 4)]
    assert clients.alice.get(f"{URL}/usage").json["rows"][0]["key"] == agent
    errors = clients.alice.get(f"{URL}/errors").json["rows"]
    assert [(row["error"], row["status"], row["executions"], row["agents"]) for row in errors] == [
        ("timeout", "timeout", 1, 1)
    ]
    log = clients.alice.get(f"/api/ai_agent_activity_logs/{errors[0]['example_log_id']}").json
    assert (log["error"], log["created_at"]) == ("timeout", errors[0]["last_at"])


@pytest.mark.parametrize("path", ["summary", "timeseries", "usage", "errors"])
def test_figures_are_for_whoever_may_know_them(host: Flask, clients: Clients, agent: str, path: str) -> None:
    """Nobody gets a 401, another tenant's agent is a 404, and a stranger's answer has none of acme."""
    assert clients.nobody.get(f"{URL}/{path}").status_code == 401
    assert clients.charlie.get(f"{URL}/{path}?agent_id={agent}").status_code == 404
    execution(host, make_agent(clients.charlie)["id"], principal=CHARLIE)
    assert agent not in clients.charlie.get(f"{URL}/{path}").text


def test_only_a_super_admin_compares_tenants(clients: Clients, agent: str) -> None:
    """by=tenant is a 403 for an admin; root sees each."""
    assert clients.alice.get(f"{URL}/usage?by=tenant").status_code == 403
    assert [row["key"] for row in clients.root.get(f"{URL}/usage?by=tenant").json["rows"]] == ["acme"]


@pytest.mark.parametrize(
    "query",
    [
        "summary?lst=3d",
        "summary?top=3",
        "summary?last=3d&from=2026-01-01",
        "summary?agent_id=7",
        "summary?from=9999-12-31T00:00:00Z&to=9999-12-31T23:59:59Z",
        "usage?top=many",
        "usage?top=%D9%A3",
        "usage?by=secret",
        "timeseries?step=second",
        "timeseries?zone=/etc/localtime",
        "timeseries?last=520w&step=hour",
        "errors?by=user",
        "summary?user_id=",
        "usage?user_id=bob%00",
        "errors?user_id=" + "b" * 256,
        "summary?period=2026-11-01",
        "summary?period=P7D/P7D",
        "summary?period=P1M/2026-11-01",
        "summary?period=P/2026-11-01",
        "summary?period=2026-11-15/2026-11-01",
        "summary?period=2026-11-01/P99999W",
        "summary?period=2026-11-01/2026-11-15&last=3d",
        "summary?period=2026-11-01/2026-11-15&from=2026-11-01",
    ],
)
def test_a_nonsense_question_is_a_400_that_says_how(clients: Clients, query: str) -> None:
    """Unknown parameters and values that cannot be are refused with a hint."""
    response: Any = clients.alice.get(f"{URL}/{query}")
    assert response.status_code == 400, response.text
    assert response.json["hint"]
