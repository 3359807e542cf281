"""Every figure of a dashboard leads to exactly the logs behind it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from support.cast import CHARLIE, Clients
from support.dashboards import NOW, links, part, ran, rows
from support.logs import begin, execution
from support.panel import PanelClient

TABLES = ("agents", "users", "models", "actions", "errors")


@pytest.fixture
def agents(host: Flask, clients: Clients) -> dict[str, str]:
    """Agents that ran, and one run that has not ended, which no figure counts; their ids."""
    made = ran(host, clients)
    begin(host, made["desk"])
    return made


def logs(panel: PanelClient, url: str) -> int:
    """How many logs a link leads to."""
    assert url.startswith("/aiagents/activity/?"), url
    page = panel.get(unescape(url).removeprefix("/aiagents") + "&page_size=100")
    assert page.status_code == 200, page.text
    return len(re.findall("data-id=", page.text))


def charts(html: str) -> list[dict[str, Any]]:
    """What the script is told to draw."""
    return [
        json.loads(text)
        for text in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', html, re.DOTALL)
    ]


@pytest.mark.parametrize("query", ["last=30d", "last=24h", "from={day}&to={day}"])
@pytest.mark.usefixtures("agents")
def test_tiles_lead_to_what_they_count(alice: PanelClient, query: str) -> None:
    """As many logs as runs, and those that went well or badly by themselves."""
    html = part(alice, "figures", query.format(day=f"{NOW:%Y-%m-%d}"))
    found = {words.split()[0]: (words.split(), url) for words, url in links(html).items()}
    total, failed = int(found["Runs"][0][1]), int(found["Failed"][0][1])
    for title in ("Runs", "Cost", "Tokens", "Duration,"):
        assert logs(alice, found[title][1]) == total, title
    assert logs(alice, found["Success"][1]) == total - failed
    assert logs(alice, found["Failed"][1]) == failed


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.usefixtures("agents")
def test_rows_lead_to_what_they_count(alice: PanelClient, name: str) -> None:
    """The number of a row opens as many logs."""
    html = part(alice, name)
    assert rows(html)
    for row in re.findall(r"<tr>(.*?)</tr>", html.partition("<tbody>")[2], re.DOTALL):
        count, url = next((words, url) for words, url in links(row).items() if words.isdigit())
        assert logs(alice, url) == int(count), row


@pytest.mark.parametrize("query", ["last=7d", "last=24h", "last=7d&compare=previous", "last=90d"])
@pytest.mark.usefixtures("agents")
def test_points_lead_to_what_they_show(alice: PanelClient, query: str) -> None:
    """Each bar of runs and each cell of its table, the period before among them, opens as many logs."""
    html = part(alice, "trends", query)
    chart = charts(html)[0]
    shown = 0
    for series in chart["series"]:
        for time, value in zip(series.get("times", chart["times"]), series["values"], strict=True):
            if value:
                assert logs(alice, f"{series['logs']}&{time}") == value, (series["title"], time)
                assert f"{series['logs']}&{time}" in unescape(html), "the table has the same link"
                shown += 1
    assert shown >= 2


def test_what_nobody_named_can_be_found(alice: PanelClient, clients: Clients, agents: dict[str, str]) -> None:
    """Runs that clients recorded without a model or an agent lead to themselves; so do names with a slash."""
    unnamed = {"action": "execute", "status": "success"}
    named = unnamed | {"provider": "openrouter", "model": "meta/llama", "agent_id": agents["desk"]}
    bare = unnamed | {"model": "meta/llama"}
    assert clients.alice.post("/api/ai_agent_activity_logs", json=[unnamed, named, bare]).status_code == 201
    for name in ("agents", "models"):
        for row in re.findall(r"<tr>(.*?)</tr>", part(alice, name).partition("<tbody>")[2], re.DOTALL):
            count, url = next((words, url) for words, url in links(row).items() if words.isdigit())
            assert logs(alice, url) == int(count), row


def test_the_period_before_is_drawn_when_asked(
    host: Flask, clients: Clients, alice: PanelClient, agents: dict[str, str]
) -> None:
    """Its runs are those that the summary names; without being asked there is none."""
    execution(host, agents["desk"], at=NOW - timedelta(days=40))
    assert all("times" not in one for one in charts(part(alice, "trends"))[0]["series"])
    before = charts(part(alice, "trends", "last=30d&compare=previous"))[0]["series"][-1]
    summary = clients.alice.get("/api/ai_agent_analytics/summary?last=30d").json
    assert sum(before["values"]) == summary["previous"]["executions"] == 1
    assert alice.get("/dashboard/?compare=nothing").status_code == 400


def test_an_agents_dashboard_is_reached_and_left(alice: PanelClient, agents: dict[str, str]) -> None:
    """By its name in the ranking and from its own page; the way back keeps the period."""
    narrowed = links(part(alice, "agents", "last=7d"))["Desk"]
    page = alice.get(narrowed.removeprefix("/aiagents")).text
    assert "Dashboard of Desk" in page
    assert 'href="/aiagents/dashboard/?last=7d" aria-label="Remove Desk"' in page
    detail = alice.get(f"/agents/details/?id={agents['desk']}").text
    assert links(detail)["Its dashboard"] == f"/aiagents/dashboard/?agent_id={agents['desk']}"


def test_unpriced_runs_are_no_free_ones(host: Flask, alice: PanelClient, agents: dict[str, str]) -> None:
    """A row of nothing else shows no amount, and the key figures lead to just these runs."""
    execution(host, agents["desk"], model="own", provider="ollama", cost_usd=None, unpriced=True)
    assert rows(part(alice, "models"))["own ollama"][2] == "?"
    url = next(url for words, url in links(part(alice, "figures")).items() if "no known price" in words)
    assert logs(alice, url) == 1


def test_links_of_others_lead_to_nothing(
    host: Flask, alice: PanelClient, charlie: PanelClient, agents: dict[str, str]
) -> None:
    """What alice shares of acme's shows charlie none of its logs."""
    execution(host, agents["globex"], principal=CHARLIE)
    for name in ("figures", *TABLES):
        for words, url in links(part(alice, name)).items():
            if "/activity/?" in url and (agents["desk"] in url or "user_id=" in url):
                assert logs(charlie, url) == 0, words
