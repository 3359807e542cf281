"""What was spent: the page of costs."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from support.cast import Clients
from support.csv_files import rows_of
from support.dashboards import links, part, parts, ran, rows, tiles
from support.logs import execution
from support.panel import PanelClient, filed

from flask_aiagents.surfaces.admin.formats import money


@pytest.fixture
def agents(host: Flask, clients: Clients) -> dict[str, str]:
    """Agents that ran, one of them on a model without a known price; their ids."""
    made = ran(host, clients)
    execution(host, made["desk"], model="own", provider="ollama", cost_usd=None, unpriced=True, tokens_used=70)
    return made


def table(html: str, name: str) -> str:
    """One table of the part."""
    found = re.search(rf'<section[^>]*aria-labelledby="top-{name}".*?</section>', html, re.DOTALL)
    assert found, name
    return found[0]


@pytest.mark.usefixtures("agents")
def test_the_figures_are_the_apis(clients: Clients, alice: PanelClient, charlie: PanelClient) -> None:
    """Spent in the period, in the month and by its end; what has no price is counted apart."""
    for panel, client in ((alice, clients.alice), (charlie, clients.charlie)):
        api = client.get("/api/ai_agent_analytics/costs?last=30d").json
        month = api["projection"]
        assert tiles(part(panel, "costs")) == [
            money(api["cost_usd"]),
            money(month["spent_usd"]),
            money(month["projected_usd"]),
            str(sum(row["executions"] for row in api["unpriced"])),
        ]


@pytest.mark.usefixtures("agents")
def test_models_and_agents_are_ranked_by_cost(alice: PanelClient) -> None:
    """Not by runs; a model without a price shows no amount and no share."""
    html = part(alice, "costs")
    assert {name: cells[2:] for name, cells in rows(table(html, "cost-models")).items()} == {
        "other openai": ["$1.50", "57.7%"],
        "gpt-4o-mini openai": ["$1.10", "42.3%"],
        "own ollama": ["?", "\N{EN DASH}"],
    }
    assert list(rows(table(html, "cost-agents"))) == ["Writer", "Desk"]
    assert rows(table(html, "unpriced")) == {"own ollama": ["1", "70"]}


@pytest.mark.usefixtures("agents")
def test_costs_lead_to_their_logs(alice: PanelClient) -> None:
    """Each number of runs opens as many logs, those without a price by themselves."""
    html = part(alice, "costs")
    for name in ("cost-models", "cost-agents", "unpriced"):
        for row in re.findall(r"<tr>(.*?)</tr>", table(html, name).partition("<tbody>")[2], re.DOTALL):
            count, url = next((words, url) for words, url in links(row).items() if words.isdigit())
            page = alice.get(url.removeprefix("/aiagents")).text
            assert len(re.findall("data-id=", page)) == int(count), row
    unpriced = next(url for words, url in links(html).items() if words.startswith("Without a known price"))
    assert len(re.findall("data-id=", alice.get(unpriced.removeprefix("/aiagents")).text)) == 1


def test_the_page_keeps_who_and_when(alice: PanelClient, agents: dict[str, str]) -> None:
    """From the one tab to the other the same agent and period; by one agent there is no table of agents."""
    query = f"last=7d&agent_id={agents['writer']}"
    page = alice.get(f"/dashboard/costs/?{query}").text
    assert parts(page) == ["costs", "spending"]
    assert links(page)["Overview"] == f"/aiagents/dashboard/?{query}"
    assert 'aria-labelledby="top-cost-agents"' not in part(alice, "costs", query)
    assert alice.get(f"/dashboard/csv/cost-agents/?{query}").status_code == 404
    narrowed = links(table(part(alice, "costs", "last=7d"), "cost-agents"))["Writer"]
    assert narrowed == f"/aiagents/dashboard/costs/?{query}"


@pytest.mark.usefixtures("agents")
def test_costs_are_there_as_files(clients: Clients, alice: PanelClient) -> None:
    """With all digits of the amounts."""
    api = clients.alice.get("/api/ai_agent_analytics/costs?last=30d").json
    for name, key in (("cost-models", "by_model"), ("cost-agents", "by_agent"), ("unpriced", "unpriced")):
        response = alice.get(f"/dashboard/csv/{name}/?last=30d")
        found = rows_of(response.text)
        assert [dict(row) for row in found] == [
            {name: str(filed(row)[name]) for name in found[0]} for row in api[key]
        ]


@pytest.mark.usefixtures("agents")
def test_a_user_is_chosen_by_its_row(clients: Clients, alice: PanelClient) -> None:
    """Its figures are the API's of it; the cross shows all users again."""
    narrowed = links(part(alice, "users", "last=7d"))["bob"]
    page = alice.get(narrowed.removeprefix("/aiagents")).text
    assert "Dashboard of bob" in page
    assert "users" not in parts(page)
    assert 'href="/aiagents/dashboard/?last=7d" aria-label="Remove bob"' in page
    api = clients.alice.get("/api/ai_agent_analytics/summary?last=7d&user_id=bob").json
    assert tiles(part(alice, "figures", "last=7d&user_id=bob"))[0] == str(api["executions"]) == "5"
    for name in ("trends", "agents", "models", "actions", "errors", "costs", "spending"):
        part(alice, name, "last=7d&user_id=bob")


@pytest.mark.usefixtures("agents")
def test_another_users_figures_are_not_bobs(bob: PanelClient, charlie: PanelClient) -> None:
    """Who asks for somebody of whom it sees nothing is told nothing, as of somebody who never was."""
    for panel, known in ((bob, "alice"), (charlie, "bob")):
        for name in ("figures", "trends", "agents", "models", "errors", "costs", "spending"):
            there, never = (
                panel.get(f"/dashboard/part/{name}/?user_id={user_id}") for user_id in (known, "nobody")
            )
            assert (there.status_code, there.text.count("<tr>")) == (never.status_code, never.text.count("<tr>"))
            assert there.text.replace(known, "nobody").count("nobody") == never.text.count("nobody")
    assert charlie.get("/dashboard/?user_id=%00").status_code == 400
    assert charlie.get(f"/dashboard/?user_id={'9' * 300}").status_code == 400


def test_no_runs_yet(alice: PanelClient) -> None:
    """The page of costs says what to do, too."""
    assert "Open the playground" in part(alice, "costs")
    assert part(alice, "spending").strip() == ""
