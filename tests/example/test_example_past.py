from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests
from test_example_use import TIMEOUT_S, Api, log_in

from example_app.cast import ALICE, BOB, CHARLIE
from example_app.past import past_of
from example_app.work import WORK
from flask_aiagents.core.clock import uuid7_from

KINDS = ("summary", "timeseries", "usage?by=agent", "usage?by=user", "usage?by=model", "usage?by=action", "errors")


@pytest.mark.parametrize("name", ["alice", "bob", "charlie", "root"])
def test_everybody_has_sixty_days_to_look_at(demo: dict[str, Any], name: str) -> None:
    """Each kind of figure has something to show to each of the cast, from the first weeks to the last."""
    api = Api(demo, name)
    for kind in KINDS:
        answer = api.get(f"/ai_agent_analytics/{kind}{'&' if '?' in kind else '?'}last=60d").json()
        assert answer.get("executions") or answer.get("steps") or answer["rows"], (name, kind)
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
    """In its request and its answer, and pages say it too: nobody takes it for something that happened."""
    api = Api(demo, "root")
    [seeded] = api.get("/ai_agent_activity_logs?action=eq.create&order=created_at.asc&limit=1").json()
    export = api.get(f"/ai_agent_activity_logs/export?format=jsonl&created_at=lt.{seeded['created_at']}").text
    logs = [json.loads(line) for line in export.splitlines()]
    assert len(logs) > 3_000
    for log in logs:
        assert "(synthetic)" in json.dumps(log["request_data"])
        assert log["response_data"] is None or "(synthetic)" in json.dumps(log["response_data"])
    assert {log["tenant_id"] for log in logs} == {"acme", "globex"}
    assert "synthetic" in requests.get(demo["login"], timeout=TIMEOUT_S).text
    assert "synthetic" in log_in(demo, "alice").get(demo["admin"], timeout=TIMEOUT_S).text


def test_the_past_is_the_same_each_time() -> None:
    """The same clock makes the same logs, and none that has not ended by then."""
    now = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
    for work in WORK:
        logs = list(past_of(work, now))
        assert logs == list(past_of(work, now))
        assert {log["id"].int >> 80 for log in logs} == {uuid7_from(log["created_at"]).int >> 80 for log in logs}
        assert max(log["created_at"] for log in logs) < now


@pytest.mark.parametrize("day", range(1, 8))
def test_every_day_has_something_for_everybody(day: int) -> None:
    """Whichever day of the week the demo starts on, no week of it is empty for one of its people."""
    now = datetime(2026, 11, day, tzinfo=UTC)
    logs = [log for work in WORK for log in past_of(work, now)]
    weeks = {(log["user_id"], (now - log["created_at"]).days // 7) for log in logs}
    assert weeks >= {(person.username, week) for person in (ALICE, BOB, CHARLIE) for week in range(8)}
