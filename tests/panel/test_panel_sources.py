"""What clients reported is marked on every page that counts or lists it."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from flask import Flask
from support.cast import ALICE, Clients, make_agent
from support.logs import execution

from flask_aiagents.testing import client_as

PANEL = "/aiagents"

REPORT = {"action": "execute", "cost_usd": "5000", "status": "error", "error": "no_luck", "model": "gpt"}


@pytest.fixture
def agent(host: Flask, clients: Clients) -> str:
    """An agent that bob ran once, and of which alice reported a failed run for 5,000 dollars."""
    agent = make_agent(clients.alice)["id"]
    execution(host, agent)
    assert clients.alice.post("/api/ai_agent_activity_logs", json=REPORT | {"agent_id": agent}).status_code == 201
    return agent


def _parts(*names: str) -> list[str]:
    return [f"{PANEL}/dashboard/part/{name}/" for name in names]


@pytest.mark.requirement("R52")
def test_pages_with_metrics_name_what_clients_reported(clients: Clients, agent: str) -> None:
    """Dashboards, errors, agents, an agent's page and the operator's tenants say how much it is."""
    pages = [*_parts("agents", "models", "actions", "errors", "costs"), f"{PANEL}/errors/", f"{PANEL}/agents/"]
    for page in (*pages, f"{PANEL}/agents/details/?id={agent}"):
        assert "1 reported by a client" in clients.alice.get(page).text, page
    for page in (*_parts("tenants"), f"{PANEL}/tenants/"):
        assert "1 reported by a client" in clients.root.get(page).text, page
    for page in _parts("figures", "costs"):
        assert "1 run, $5,000.00, was reported by a client" in clients.alice.get(page).text, page
    for page in (*_parts("agents", "costs"), f"{PANEL}/agents/", f"{PANEL}/agents/details/?id={agent}"):
        assert "1 reported by a client, $5,000.00" in clients.alice.get(page).text, page
    assert "1 reported by a client, $5,000.00" in clients.root.get(f"{PANEL}/tenants/").text


@pytest.mark.requirement("R52")
def test_lists_mark_what_clients_reported(clients: Clients, agent: str) -> None:
    """The log, its live rows, one log and the recent activity of an agent mark it."""
    live: Any = clients.alice.get(f"{PANEL}/activity/", headers={"X-AIAgents-Live": "1"})
    for page in (live.text, clients.alice.get(f"{PANEL}/agents/details/?id={agent}").text):
        assert page.count("by a client</span>") == 1
    log = clients.alice.get("/api/ai_agent_activity_logs?source=eq.client").json[0]
    assert "by a client</span>" in clients.alice.get(f"{PANEL}/activity/details/?id={log['id']}").text
    exported = clients.alice.get(f"{PANEL}/activity/export/?format=csv").text
    assert {row["source"] for row in csv.DictReader(io.StringIO(exported, newline=""))} == {"client", "system"}


@pytest.mark.requirement("R52")
def test_a_dashboard_can_leave_out_what_clients_reported(clients: Clients, agent: str) -> None:
    """source= narrows every part, file and link; another value is an error page."""
    page = clients.alice.get(f"{PANEL}/dashboard/?source=system").text
    assert "part/figures/?source=system" in page
    assert '<option value="system" selected>' in page
    alone = clients.alice.get(f"{PANEL}/dashboard/part/agents/?source=client").text
    assert "$5,000.00" in alone
    assert "reported by" not in alone
    for name in ("figures", "costs", "models"):
        part = clients.alice.get(f"{PANEL}/dashboard/part/{name}/?source=system").text
        assert "5,000" not in part, name
        assert "reported by" not in part, name
        assert "source=system" in part, name
    (row,) = _file(clients, "agents")
    assert (row["executions"], row["client_executions"], float(row["client_cost_usd"])) == ("2", "1", 5000)
    (row,) = _file(clients, "agents", "&source=system")
    assert (row["executions"], row["client_executions"]) == ("1", "0")
    assert clients.alice.get(f"{PANEL}/dashboard/?source=unknown").status_code == 400


def test_the_share_is_named_in_german(host: Flask, clients: Clients, agent: str) -> None:
    """A German reader is told in German."""
    german = client_as(host, ALICE).get(_parts("figures")[0], headers={"Accept-Language": "de"}).text
    assert "wurde von einem Client gemeldet" in german


def _file(clients: Clients, name: str, query: str = "") -> list[dict[str, str]]:
    text = clients.alice.get(f"{PANEL}/dashboard/csv/{name}/?last=7d{query}").text
    return list(csv.DictReader(io.StringIO(text, newline="")))
