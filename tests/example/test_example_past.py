from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from test_example_use import Api

KINDS = ("summary", "timeseries", "usage?by=agent", "usage?by=user", "usage?by=model", "usage?by=action", "errors")


@pytest.mark.parametrize("name", ["alice", "bob", "charlie", "root"])
def test_everybody_has_sixty_days_to_look_at(demo: dict[str, Any], name: str) -> None:
    """Each kind of figure has something to show to each of the cast, from the first weeks to the last."""
    api = Api(demo, name)
    for kind in KINDS:
        answer = api.get(f"/ai_agent_analytics/{kind}{'&' if '?' in kind else '?'}last=60d").json()
        assert answer.get("executions") or answer.get("steps") or answer["rows"], (name, kind)
    steps = api.get("/ai_agent_analytics/timeseries?last=60d&step=week").json()["steps"]
    assert all(step["executions"] for step in steps[1:-1])
    summary = api.get("/ai_agent_analytics/summary?last=60d").json()
    assert 0.8 < summary["success_rate"] < 1
    assert Decimal(summary["cost_usd"]) > 0
    assert summary["unpriced"]


def test_the_costs_name_models_agents_and_what_has_no_price(demo: dict[str, Any]) -> None:
    """So the cost dashboard is not empty either."""
    costs = Api(demo, "alice").get("/ai_agent_analytics/costs?last=60d").json()
    assert len(costs["by_model"]) > 2
    assert len(costs["by_agent"]) > 2
    assert costs["unpriced"]
    assert costs["projection"]["projected_usd"] is not None


def test_every_log_of_the_past_says_that_it_is_made_up(demo: dict[str, Any]) -> None:
    """Nobody takes it for something that happened."""
    query = "/ai_agent_activity_logs?order=created_at.asc&limit=100&select=request_data,tenant_id"
    logs = Api(demo, "root").get(query).json()
    assert len(logs) == 100
    assert all("(synthetic)" in str(log["request_data"]) for log in logs)
    assert {log["tenant_id"] for log in logs} == {"acme", "globex"}
