from __future__ import annotations

import json
import re
from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from flask import Flask
from support.cast import Clients
from support.dashboards import NOW, part, parts, ran, rows, tiles
from support.logs import execution
from support.panel import PanelClient

from flask_aiagents.surfaces.admin.formats import duration, money, number, percent

PARTS = ("figures", "trends", "agents", "users", "models", "actions", "errors")


@pytest.fixture
def agents(host: Flask, clients: Clients) -> dict[str, str]:
    """Two agents of acme's and one of globex's that ran, long ago too; their ids."""
    return ran(host, clients)


@pytest.mark.usefixtures("agents")
def test_the_page_asks_for_the_parts_that_mean_something(
    alice: PanelClient, bob: PanelClient, charlie: PanelClient, root: PanelClient
) -> None:
    """Users for who sees others' runs, tenants for the operator; bob is told that these are his own."""
    assert parts(alice.get("/dashboard/").text) == list(PARTS)
    assert parts(charlie.get("/dashboard/").text) == list(PARTS)
    assert parts(root.get("/dashboard/").text) == [*PARTS[:-1], "tenants", "errors"]
    page = bob.get("/dashboard/").text
    assert parts(page) == [one for one in PARTS if one != "users"]
    assert "Your own runs only." in page


@pytest.mark.parametrize(
    "query", ["", "last=24h", "last=90d", "from={3d}", "from={3d}&to={1d}", "from={1d}&to={1d}"]
)
@pytest.mark.usefixtures("agents")
def test_every_part_comes_for_each_of_the_cast(
    alice: PanelClient, bob: PanelClient, charlie: PanelClient, root: PanelClient, query: str
) -> None:
    """What the page asks for is there, in every period."""
    asked = query.format(**{f"{n}d": f"{NOW - timedelta(days=n):%Y-%m-%d}" for n in (1, 3)})
    for panel in (alice, bob, charlie, root):
        page = panel.get(f"/dashboard/?{asked}")
        assert page.status_code == 200
        for url in re.findall(r'hx-get="/aiagents(/dashboard/part/[^"]+)"', page.text):
            assert panel.get(unescape(url)).status_code == 200


@pytest.mark.parametrize("last", ["24h", "7d", "30d", "90d"])
@pytest.mark.parametrize("name", ["alice", "bob", "charlie", "root"])
@pytest.mark.usefixtures("agents")
def test_the_figures_are_the_apis(clients: Clients, request: pytest.FixtureRequest, name: str, last: str) -> None:
    """The same runs, success, cost, tokens, p95 and failures, for everybody's own scope."""
    api = getattr(clients, name).get(f"/api/ai_agent_analytics/summary?last={last}").json
    html = part(request.getfixturevalue(name), "figures", f"last={last}")
    assert tiles(html) == [
        number(api["executions"]),
        percent(api["success_rate"]),
        money(api["cost_usd"]),
        number(api["tokens_used"]),
        duration(api["duration_ms"]["p95"]),
        number(api["failed"]),
    ]


@pytest.mark.usefixtures("agents")
def test_a_day_is_meant_whole(alice: PanelClient) -> None:
    """From a day to the same day is that day; the last day of a longer period counts, too."""
    day = {n: f"{NOW - timedelta(days=n, minutes=1):%Y-%m-%d}" for n in (1, 2, 3)}
    assert tiles(part(alice, "figures", f"from={day[2]}&to={day[2]}"))[0] == "1"
    assert tiles(part(alice, "figures", f"from={day[3]}&to={day[1]}"))[0] == "3"


@pytest.mark.usefixtures("agents")
def test_tables_say_who_and_what_ran_most(alice: PanelClient, root: PanelClient) -> None:
    """The most runs first, with success and cost, each under its name."""
    html = part(alice, "agents")
    assert {name: cells[:3] for name, cells in rows(html).items()} == {
        "Desk": ["5", "80.0%", "$1.10"],
        "Writer": ["1", "100%", "$1.50"],
    }
    assert list(rows(html)) == ["Desk", "Writer"]
    assert {name: cells[0] for name, cells in rows(part(alice, "users")).items()} == {"bob": "4", "alice": "2"}
    assert {name: cells[0] for name, cells in rows(part(alice, "models")).items()} == {
        "gpt-4o-mini openai": "5",
        "other openai": "1",
    }
    assert {name: cells[2] for name, cells in rows(part(alice, "actions")).items()} == {
        "Run": "$2.60",
        "Create": "\N{EN DASH}",
    }
    assert {name: cells[0] for name, cells in rows(part(root, "tenants")).items()} == {"acme": "6", "globex": "1"}


def test_a_change_too_small_to_show_is_none(host: Flask, alice: PanelClient, agents: dict[str, str]) -> None:
    """A thousandth more than before is as before."""
    for days, price in ((1, "1000"), (20, "999.9")):
        execution(host, agents["desk"], at=NOW - timedelta(days=days), cost_usd=Decimal(price))
    html = part(alice, "figures", "last=15d&user_id=bob")
    assert "as before" in html.partition(">Cost<")[2].partition("</a>")[0]


@pytest.mark.usefixtures("agents")
def test_errors_are_told_by_kind(alice: PanelClient, charlie: PanelClient) -> None:
    """Each tenant's own."""
    assert list(rows(part(alice, "errors"))) == ["upstream"]
    assert list(rows(part(charlie, "errors"))) == ["timeout"]


@pytest.mark.usefixtures("agents")
def test_a_charts_table_has_its_numbers(clients: Clients, alice: PanelClient) -> None:
    """Row by row the same times and values as the chart, and together the API's runs."""
    html = part(alice, "trends", "last=7d")
    figures = re.findall(r"<figure.*?</figure>", html, re.DOTALL)
    assert len(figures) == 4
    for figure in figures:
        chart = json.loads(
            re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', figure, re.DOTALL)[0]
        )
        expected = zip(*(series["texts"] for series in chart["series"]), strict=True)
        assert rows(figure) == dict(zip(chart["labels"], map(list, expected), strict=True))
        assert "<canvas" in figure
        assert "aria-label" in figure
    runs = rows(figures[0])
    succeeded, failed = (sum(int(row[n]) for row in runs.values()) for n in (0, 1))
    api = clients.alice.get("/api/ai_agent_analytics/summary?last=7d").json
    assert (succeeded, failed) == (api["succeeded"], api["failed"])
    assert len(runs) == 7


def test_one_agent_narrows_all_of_it(clients: Clients, alice: PanelClient, agents: dict[str, str]) -> None:
    """The page says whose it is, its links and parts keep it, and there is no table of agents."""
    query = f"agent_id={agents['writer']}"
    page = alice.get(f"/dashboard/?{query}").text
    assert "Dashboard of Writer" in page
    assert parts(page) == [one for one in PARTS if one not in ("agents", "actions")]
    assert all(query in unescape(url) for url in re.findall(r'hx-get="([^"]+)"', page) if "/part/" in url)
    api = clients.alice.get(f"/api/ai_agent_analytics/summary?{query}").json
    assert tiles(part(alice, "figures", query))[0] == str(api["executions"]) == "1"
    assert list(rows(part(alice, "users", query))) == ["alice"]
    assert rows(part(alice, "errors", query)) == {}


def test_r14_another_tenants_agent_is_absent(
    charlie: PanelClient, bob: PanelClient, agents: dict[str, str]
) -> None:
    """The page and all its parts say what they say of an agent that never was."""
    never = "00000000-0000-0000-0000-000000000000"
    for path in ("/dashboard/", *(f"/dashboard/part/{name}/" for name in PARTS)):
        there = charlie.get(f"{path}?agent_id={agents['desk']}")
        absent = charlie.get(f"{path}?agent_id={never}")
        assert (there.status_code, absent.status_code) == (404, 404), path
        assert ("Desk" in there.text) is False
    assert bob.get(f"/dashboard/?agent_id={agents['desk']}").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        *("last=1x", "last=-1d", "last=99999999999d", "last=0d", "last=%00", "from=zz", "to=2026-01-01"),
        *("from=2026-03-02&to=2026-03-01", "from=0001-01-01", "from=1971-01-01&to=2026-01-01", "agent_id=abc"),
        *("from=2026-01-01&to=9999-12-31", "agent_id=%00", "from=2026-02-30", "agent_id=" + "9" * 300),
        *("user_id=%00", "user_id=" + "9" * 300, "compare=%00", "from=0001-01-01&to=0001-01-02"),
    ],
)
def test_nonsense_is_told(alice: PanelClient, query: str) -> None:
    """Of the page as a page, of a part as a notice."""
    page = alice.get(f"/dashboard/?{query}")
    assert page.status_code == 400
    assert "aia-empty" in page.text
    for name in PARTS:
        response = alice.get(f"/dashboard/part/{name}/?{query}", headers={"HX-Request": "true"})
        assert response.status_code in (400, 404), name
    for path in ("/dashboard/costs/", "/dashboard/part/costs/", "/dashboard/csv/trends/"):
        assert alice.get(f"{path}?{query}").status_code in (400, 404), path


def test_an_unknown_part_is_absent(alice: PanelClient, bob: PanelClient) -> None:
    """So is one that is not for whoever asks."""
    for panel, name in ((alice, "nothing"), (alice, "tenants"), (bob, "users"), (bob, "tenants"), (alice, "%00")):
        assert panel.get(f"/dashboard/part/{name}/").status_code == 404


def test_no_runs_yet(alice: PanelClient) -> None:
    """It says what to do; what has no numbers takes no room."""
    html = part(alice, "figures")
    assert "No runs in this period" in html
    assert "/aiagents/playground/" in html
    for name in PARTS[1:]:
        assert part(alice, name).strip() == ""


@pytest.mark.usefixtures("agents")
def test_runs_of_others_are_not_bobs(bob: PanelClient) -> None:
    """His dashboard counts his own alone."""
    assert tiles(part(bob, "figures"))[0] == "4"
    assert list(rows(part(bob, "agents"))) == ["Desk"]


def test_a_deleted_agents_dashboard_stays(
    clients: Clients, alice: PanelClient, charlie: PanelClient, agents: dict[str, str]
) -> None:
    """The rankings lead to it as before; it has no page to lead to any more."""
    path = f"/dashboard/?agent_id={agents['desk']}"
    assert agents["desk"] in alice.get("/dashboard/part/agents/").text
    assert f"/agents/details/?id={agents['desk']}" in alice.get(path).text
    assert clients.alice.delete(f"/api/ai_agents/{agents['desk']}").status_code == 204
    page = alice.get(path)
    assert page.status_code == 200
    assert "Desk" in page.text
    assert f"/agents/details/?id={agents['desk']}" not in page.text
    assert alice.get(f"/dashboard/part/figures/?agent_id={agents['desk']}").status_code == 200
    assert charlie.get(path).status_code == 404
