from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from support.cast import ALICE, CHARLIE, ROOT, Clients, make_agent
from support.hosts import close, make_host
from support.logs import execution
from support.panel import PanelClient

from flask_aiagents import AIAgents, Principal, Role
from flask_aiagents.testing import client_as


def rows(page: str) -> dict[str, list[str]]:
    """The figures of each tenant, as the page has them, in its order."""
    found = {}
    for row in re.findall(r"<tr>(.*?)</tr>", page.partition("<tbody>")[2], re.DOTALL):
        cells = [" ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in row.split("</td>")]
        found[cells[0]] = cells[1:-1]
    return found


def links(page: str) -> list[str]:
    return [unescape(url) for url in re.findall(r'<a class="aia-num" href="/aiagents([^"]+)"', page)]


def test_only_the_operator_sees_tenants(
    alice: PanelClient, bob: PanelClient, charlie: PanelClient, root: PanelClient
) -> None:
    """Others have it neither in the menu nor by its address."""
    for one in (alice, bob, charlie):
        assert one.get("/tenants/").status_code == 403
        assert "/aiagents/tenants/" not in one.get("/agents/").text
    assert root.get("/tenants/").status_code == 200
    assert "/aiagents/tenants/" in root.get("/agents/").text


def test_the_figures_are_the_tenants(host: Flask, clients: Clients, root: PanelClient) -> None:
    """Agents, active ones, runs, success and cost of each; the busiest first."""
    desk = make_agent(clients.alice, "Desk")
    make_agent(clients.alice, "Idle", status="inactive")
    adviser = make_agent(clients.charlie)
    make_agent(clients.root, "Everybody's")
    for status in ("success", "success", "success", "error"):
        execution(host, desk["id"], principal=ALICE, status=status, cost_usd=Decimal("0.5"), duration_ms=2000)
    execution(host, adviser["id"], principal=CHARLIE, cost_usd=None)
    found = rows(root.get("/tenants/").text)
    assert list(found) == ["acme", "globex"]
    assert found["acme"][:4] == ["2, 1", "4", "75.0%", "$2.00"]
    assert found["globex"][:3] == ["1, 1", "1", "100%"]


def test_figures_lead_to_what_is_behind_them(host: Flask, clients: Clients, root: PanelClient) -> None:
    """The tenant's agents, and exactly the logs that were counted."""
    desk = make_agent(clients.alice, "Desk")
    make_agent(clients.charlie)
    for _ in range(3):
        execution(host, desk["id"], principal=ALICE)
    agents, activity, *_ = links(root.get("/tenants/").text)
    assert re.findall(r'class="aia-name"[^>]*>([^<]*)<', root.get(agents).text) == ["Desk"]
    assert len(re.findall("data-id=", root.get(activity).text)) == 3


def test_figures_stay_those_of_all_while_one_acts_for_one(
    host: Flask, clients: Clients, panel: Callable[..., PanelClient]
) -> None:
    """Other tenants' rows are no links then, since the lists show the picked tenant alone."""
    execution(host, make_agent(clients.alice)["id"], principal=ALICE)
    execution(host, make_agent(clients.charlie)["id"], principal=CHARLIE)
    root = panel(ROOT)
    before = rows(root.get("/tenants/").text)
    root.post("/tenant/", {"tenant": "acme"})
    page = root.get("/tenants/").text
    assert rows(page) == before
    assert len(links(page)) == 2


@pytest.mark.parametrize(
    ("query", "found"), [("", ["acme", "globex"]), ("GLOB", ["globex"]), ("zzz", []), ("%", []), ("\x00", [])]
)
def test_search(clients: Clients, root: PanelClient, query: str, found: list[str]) -> None:
    """By id and name, whatever the case; none found says so."""
    make_agent(clients.alice)
    make_agent(clients.charlie)
    page = root.get("/tenants/", query_string={"q": query}).text
    assert list(rows(page)) == found
    assert found or "No entry fits these filters." in page


@pytest.fixture
def many(tmp_path: Path) -> Any:
    """A host with 120 tenants that it lists itself."""
    aiagents = AIAgents(
        list_tenants=lambda: [(f"t{n}", f"Tenant {n:03}") for n in range(120)],
        labels=lambda kind, ids: {id_: f"Label of {id_}" for id_ in ids},
    )
    app = make_host(f"sqlite:///{tmp_path}/many.db", aiagents=aiagents)
    yield PanelClient(client_as(app, ROOT))
    close(app)


def test_the_hosts_tenants_are_listed_by_their_names(many: PanelClient) -> None:
    """Also those without an agent; the pages have each of them once."""
    seen: list[str] = []
    url = "/tenants/"
    while url:
        page = many.get(url).text
        seen += rows(page)
        following = re.search(r'rel="next" href="/aiagents([^"]+)"', page)
        url = unescape(following[1]) if following else ""
    assert seen == [f"Tenant {n:03} t{n}" for n in range(120)]
    assert list(rows(many.get("/tenants/?q=tenant 007").text)) == ["Tenant 007 t7"]


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Flask]:
    """A host with 1,300 tenants that it lists itself; the last one by name has run an agent."""
    aiagents = AIAgents(list_tenants=lambda: [(f"t{n}", f"Tenant {n:04}") for n in range(1300)])
    app = make_host(f"sqlite:///{tmp_path}/crowded.db", aiagents=aiagents)
    yield app
    close(app)


def test_tenants_beyond_the_first_thousand_are_found(crowded: Flask) -> None:
    """In the overview and in the picker, by search and by paging."""
    root = PanelClient(client_as(crowded, ROOT))
    assert list(rows(root.get("/tenants/?q=tenant 1299").text)) == ["Tenant 1299 t1299"]
    assert list(rows(root.get("/tenants/?page=25").text))[-1] == "Tenant 1299 t1299"
    assert "Tenant 1299" in root.get("/tenant/?q=1299").text


def test_every_tenant_has_its_metrics(crowded: Flask) -> None:
    """Also one that is not among the 200 busiest."""
    for n in range(1000, 1203):
        principal = Principal("u", f"t{n}", Role.TENANT_ADMIN)
        for _ in range(2 if n < 1200 else 1):
            execution(crowded, str(uuid4()), principal=principal, cost_usd=Decimal("0.5"))
    root = PanelClient(client_as(crowded, ROOT))
    assert rows(root.get("/tenants/?q=tenant 1202").text)["Tenant 1202 t1202"][1:4] == ["1", "100%", "$0.50"]
    assert rows(root.get("/tenants/?q=tenant 1000").text)["Tenant 1000 t1000"][1] == "2"


@pytest.mark.parametrize(
    ("page", "first"), [("-1", 0), ("x", 0), ("2", 100), ("3", 100), (str(10**9), 100), ("9" * 5000, 0)]
)
def test_pages_are_bounded(many: PanelClient, page: str, first: int) -> None:
    """Nonsense is the first page, what is too far the last."""
    response = many.get(f"/tenants/?page={page}")
    assert response.status_code == 200
    assert next(iter(rows(response.text))) == f"Tenant {first:03} t{first}"


def test_the_operator_acts_for_a_tenant_from_its_row(clients: Clients, panel: Callable[..., PanelClient]) -> None:
    """Then every list is that tenant's."""
    make_agent(clients.alice, "Acme's")
    make_agent(clients.charlie, "Globex's")
    root = panel(ROOT)
    assert root.post("/tenant/", {"tenant": "globex"}).status_code == 302
    page = root.get("/agents/").text
    assert "Globex&#39;s" in page
    assert "Acme&#39;s" not in page


@pytest.mark.parametrize(("tenant", "status"), [("x" * 500, 422), ("a\x00b", 302)])
def test_a_tenant_that_is_none(panel: Callable[..., PanelClient], tenant: str, status: int) -> None:
    """Is refused, or read without what no database takes; the panel goes on working."""
    root = panel(ROOT)
    assert root.post("/tenant/", {"tenant": tenant}).status_code == status
    assert root.get("/agents/").status_code == 200
    assert "\x00" not in root.get("/dashboard/").text


def test_no_tenants_yet(root: PanelClient) -> None:
    """It says when one appears."""
    assert "A tenant appears here with its first agent" in root.get("/tenants/").text
