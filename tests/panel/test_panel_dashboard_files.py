"""Tables of a dashboard as files."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from support.cast import Clients, make_agent
from support.csv_files import rows_of
from support.dashboards import NOW, links, part, ran
from support.logs import execution
from support.panel import PanelClient, filed

FORMULA = "=HYPERLINK(1)"


@pytest.fixture(autouse=True)
def agents(host: Flask, clients: Clients) -> dict[str, str]:
    """Agents that ran; their ids."""
    return ran(host, clients)


def table(panel: PanelClient, name: str, query: str = "") -> list[dict[str, str]]:
    """The rows of a table's file."""
    response = panel.get(f"/dashboard/csv/{name}/?{query}")
    assert response.status_code == 200, response.text
    return rows_of(response.text)


@pytest.mark.parametrize(("name", "by"), [("agents", "agent"), ("models", "model"), ("actions", "action")])
def test_a_ranking_has_the_apis_numbers(
    host: Flask, clients: Clients, alice: PanelClient, name: str, by: str
) -> None:
    """Every figure with all of its digits, and not only the rows that the page shows."""
    for n in range(10):
        execution(host, make_agent(clients.alice, f"Agent {n}")["id"], model=f"model-{n}")
    api = clients.alice.get(f"/api/ai_agent_analytics/usage?by={by}&last=7d&top=200").json["rows"]
    found = table(alice, name, "last=7d")
    assert len(found) == len(api)
    for row, told in zip(found, map(filed, api), strict=True):
        assert row == {key: "" if told[key] is None else str(told[key]) for key in row}
    assert {"key", "executions", "failed", "cost_usd", "unpriced", "p50_ms", "p95_ms"} <= found[0].keys()


def test_trends_are_there_step_by_step(clients: Clients, alice: PanelClient) -> None:
    """With those of the period before beside them when they are drawn."""
    api = clients.alice.get("/api/ai_agent_analytics/timeseries?last=7d&step=day").json["steps"]
    found = table(alice, "trends", "last=7d")
    assert [(row["start"], row["executions"], Decimal(row["cost_usd"])) for row in found] == [
        (step["start"], str(step["executions"]), Decimal(step["cost_usd"])) for step in api
    ]
    both = table(alice, "trends", "last=7d&compare=previous")
    assert {key: both[0][key] for key in found[0]} == found[0]
    assert both[0]["previous_start"] == f"{NOW - timedelta(days=13):%Y-%m-%d}T00:00:00Z"


def test_the_file_says_what_it_is(alice: PanelClient) -> None:
    """Its name has the table and the period; nobody keeps or sniffs it."""
    headers = alice.get("/dashboard/csv/models/?last=7d").headers
    days = f"{NOW - timedelta(days=6):%Y-%m-%d}-to-{NOW:%Y-%m-%d}"
    assert headers["Content-Disposition"] == f'attachment; filename="models-{days}.csv"'
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    name = alice.get("/dashboard/csv/errors/?last=24h").headers["Content-Disposition"]
    # in the last hour of a day of UTC these 24 are just that day
    assert re.search(r"errors-\d{4}-\d\d-\d\d(T\d\d00)?-to-\d{4}-\d\d-\d\d(T\d\d59)?\.csv", name)


def test_r26_names_are_no_formulas(host: Flask, clients: Clients, alice: PanelClient) -> None:
    """A spreadsheet shows them as they were written."""
    execution(host, make_agent(clients.alice, FORMULA)["id"], model=FORMULA, status="error", error=FORMULA)
    assert f"'{FORMULA}" in {row["name"] for row in table(alice, "agents")}
    assert f"'{FORMULA}" in {row["name"] for row in table(alice, "models")}
    assert f"'{FORMULA}" in {row["error"] for row in table(alice, "errors")}


def test_every_table_of_the_page_has_its_file(alice: PanelClient, agents: dict[str, str]) -> None:
    """With the page's own arguments."""
    for name in ("agents", "users", "models", "actions", "errors", "trends"):
        urls = [url for words, url in links(part(alice, name, "last=7d")).items() if words == "CSV"]
        assert urls == [f"/aiagents/dashboard/csv/{name}/?last=7d"]
        assert alice.get(urls[0].removeprefix("/aiagents")).status_code == 200
    only = f"agent_id={agents['writer']}"
    assert [row["executions"] for row in table(alice, "models", only)] == ["1"]


def test_strangers_get_their_own(
    alice: PanelClient, bob: PanelClient, charlie: PanelClient, agents: dict[str, str]
) -> None:
    """Nothing of acme's for charlie, nothing of others for bob, no comparison of tenants for a tenant."""
    assert [row["name"] for row in table(charlie, "agents")] == ["Globex's"]
    assert [row["name"] for row in table(bob, "agents")] == ["Desk"]
    assert charlie.get(f"/dashboard/csv/models/?agent_id={agents['desk']}").status_code == 404
    for panel, name in (
        (bob, "users"),
        (alice, "tenants"),
        (alice, "figures"),
        (alice, "nothing"),
        (alice, "%00"),
    ):
        assert panel.get(f"/dashboard/csv/{name}/").status_code == 404, name
    assert alice.get("/dashboard/csv/models/?last=1x").status_code == 400
