"""Metrics by source: the system's own executions, those that clients reported, and those of unknown source."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import ALICE, BOB, ROOT, Clients, make_agent
from support.logs import execution
from support.usage import ask, counted, exact, past, roll_up, write

from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.analytics.models import Usage
from flask_aiagents.features.analytics.period import Period

URL = "/api/ai_agent_analytics"

FORGED = {"action": "execute", "cost_usd": "9000000", "tokens_used": 5, "provider": "openai", "model": "gpt"}


def _share(executions: int, tokens: int, cost: str) -> dict[str, Any]:
    return {"executions": executions, "tokens_used": tokens, "cost_usd": cost}


@pytest.fixture
def agent(any_host: Flask, any_clients: Clients) -> str:
    """An agent that bob ran twice, and of which alice reported one more run for nine million dollars."""
    agent = make_agent(any_clients.alice)["id"]
    for _ in range(2):
        execution(any_host, agent)
    assert (
        any_clients.alice.post("/api/ai_agent_activity_logs", json=FORGED | {"agent_id": agent}).status_code == 201
    )
    failed = {"action": "execute", "status": "timeout", "error": "timeout", "agent_id": agent}
    assert any_clients.alice.post("/api/ai_agent_activity_logs", json=failed).status_code == 201
    return agent


@pytest.mark.requirement("R52")
def test_every_answer_names_what_clients_reported(any_host: Flask, any_clients: Clients, agent: str) -> None:
    """Total and clients' share stand side by side on all routes; source=system leaves the share out."""
    alice, reported = any_clients.alice, _share(2, 5, "9000000.000000000000")
    for rolled in (False, True):
        for route, lines in (("summary", None), ("timeseries", "steps"), ("usage", "rows"), ("costs", "by_agent")):
            answer = alice.get(f"{URL}/{route}?last=1d").json
            line = answer[lines][0] if lines else answer
            assert line["client_reported"] == reported, (route, rolled)
            assert line["cost_usd"] == "9000000.200000000000"
            narrowed = alice.get(f"{URL}/{route}?last=1d&source=system").json
            line = narrowed[lines][0] if lines else narrowed
            assert (line["client_reported"]["executions"], line["cost_usd"]) == (0, "0.200000000000"), route
        assert alice.get(f"{URL}/costs").json["client_reported"] == reported
        (error,) = alice.get(f"{URL}/errors").json["rows"]
        assert (error["executions"], error["client_reported"]) == (1, {"executions": 1})
        assert alice.get(f"{URL}/errors?source=system").json["rows"] == []
        log = alice.get(f"/api/ai_agent_activity_logs/{error['example_log_id']}").json
        assert log["source"] == "client"
        roll_up(any_host)


@pytest.mark.requirement("R52")
def test_metrics_of_an_agent_are_asked_for_by_source(any_host: Flask, any_clients: Clients, agent: str) -> None:
    """performance_metrics names the share, too, and its exact p95 is that of the source; eq. is accepted."""
    url = f"/api/ai_agents/{agent}/performance_metrics"
    reported = FORGED | {"agent_id": agent, "duration_ms": 90_000}
    assert any_clients.alice.post("/api/ai_agent_activity_logs", json=reported).status_code == 201
    for _ in range(2):
        metrics = any_clients.alice.get(url).json
        assert (metrics["executions"], metrics["client_reported"]["executions"]) == (5, 3)
        assert metrics["unknown_source"] == _share(0, 0, "0.000000000000")
        for source in ("system", "eq.system"):
            assert any_clients.alice.get(f"{url}?source={source}").json["duration_ms"]["p95"] == 12
        assert any_clients.alice.get(f"{url}?source=client").json["duration_ms"]["p95"] == 90_000
        roll_up(any_host)
    assert any_clients.alice.get(f"{url}?source=unknown").status_code == 400
    assert any_clients.alice.get(f"{URL}/summary?source=").status_code == 400


@pytest.mark.requirement("R52")
def test_shared_agents_name_the_share_to_super_admins(any_host: Flask, any_clients: Clients) -> None:
    """What a tenant's admin reports on a shared agent is named as such in the metrics that the agent carries."""
    shared = make_agent(any_clients.root, "Shared")["id"]
    execution(any_host, shared)
    assert (
        any_clients.alice.post("/api/ai_agent_activity_logs", json=FORGED | {"agent_id": shared}).status_code
        == 201
    )
    any_host.extensions["aiagents"].maintenance.tick()
    metrics = any_clients.root.get(f"/api/ai_agents/{shared}").json["performance_metrics"]
    assert (metrics["executions"], metrics["client_reported"]["executions"]) == (2, 1)
    assert any_clients.root.get(f"{URL}/summary?source=system&agent_id={shared}").json["executions"] == 1


def test_each_source_has_its_own_logs(any_host: Flask) -> None:
    """Whoever asks, each source has its own logs alone: before, while and after rollups exist."""
    end = utcnow()
    logs = past(end, 20, 200)
    write(any_host, logs)
    for size in (70, 70, 70):
        for who, mine in ((ROOT, logs), (ALICE, _of(logs, "acme")), (BOB, _of(logs, "acme", "bob"))):
            for period in (Period.recent("30d"), Period(end - timedelta(days=9, minutes=7), end)):
                inside = [log for log in mine if period.start <= log["created_at"] < period.end]
                for source in ("system", "client"):
                    some = [log for log in inside if log["source"] == source]
                    assert exact(ask(any_host, "summary", period, principal=who, source=source)) == counted(some)
        roll_up(any_host, seconds=0, size=size)


def test_a_rebuild_keeps_sources_apart(any_host: Flask) -> None:
    """Counting days again from their logs gives the same rows, ids included."""
    end = utcnow()
    write(any_host, past(end, 10, 100))
    roll_up(any_host)
    before = _ids(any_host)
    with any_host.app_context():
        any_host.extensions["aiagents"].analytics.rebuild(end - timedelta(days=12), end)
    assert _ids(any_host) == before


def _of(logs: list[dict[str, Any]], tenant: str, *users: str) -> list[dict[str, Any]]:
    return [log for log in logs if log["tenant_id"] == tenant and (not users or log["user_id"] in users)]


def _ids(app: Flask) -> dict[UUID, tuple[str, int]]:
    with app.app_context(), app.extensions["aiagents"].database.transaction(SYSTEM) as session:
        return {row.id: (row.source, row.executions) for row in session.scalars(sa.select(Usage))}
