from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from support.cast import ALICE, BOB, CHARLIE, Clients, make_agent
from support.logs import execution
from support.panel import PanelClient

from flask_aiagents.core.clock import utcnow


def kinds(page: str) -> list[tuple[str, str, int, int]]:
    """Status, error, runs and agents of each row, in its order."""
    found = []
    for row in re.findall(r"<tr>(.*?)</tr>", page.partition("<tbody>")[2], re.DOTALL):
        status = re.findall(r"aia-badge[^>]*>([^<]*)<", row)[0]
        error = (re.findall(r"<code>([^<]*)</code>", row) or [""])[0]
        runs, agents = re.findall(r'class="aia-num"[^>]*>([\d,]+)<', row)
        found.append((status, error, int(runs), int(agents)))
    return found


def logs_behind(page: str) -> list[str]:
    """Where the number of each row leads."""
    urls = re.findall(r'href="/aiagents(/activity/\?[^"]+)"', page)
    return [unescape(url) for url in urls]


def ids(panel: PanelClient, url: str) -> set[UUID]:
    return {UUID(id_) for id_ in re.findall(r'data-id="([^"]+)"', panel.get(url).text)}


@pytest.fixture
def failed(host: Flask, clients: Clients) -> dict[Any, set[UUID]]:
    """Acme's failures by status and error, among runs that went well, old ones, and others' logs."""
    desk, writer = make_agent(clients.alice, "Desk")["id"], make_agent(clients.alice, "Writer")["id"]
    ends: dict[Any, set[UUID]] = {}
    for agent, status, error in [
        *((desk, "error", "rate_limited"), (writer, "error", "rate_limited"), (desk, "error", "rate_limited")),
        *((desk, "error", None), (writer, "error", None), (desk, "timeout", "timeout"), (desk, "cancelled", None)),
    ]:
        log = execution(host, agent, principal=ALICE, status=status, error=error)
        ends.setdefault((status, error), set()).add(log)
    execution(host, desk, principal=ALICE)
    execution(host, desk, principal=ALICE, status="error", error="old", at=utcnow() - timedelta(days=20))
    posted = {"agent_id": desk, "action": "looked_up", "status": "error", "error": "rate_limited"}
    assert clients.alice.post("/api/ai_agent_activity_logs", json=posted).status_code == 201
    execution(host, make_agent(clients.charlie)["id"], principal=CHARLIE, status="error", error="upstream")
    return ends


@pytest.mark.usefixtures("failed")
def test_errors_are_counted_by_kind(alice: PanelClient) -> None:
    """The most frequent first, each with the agents that it met and what to do."""
    page = alice.get("/errors/").text
    assert kinds(page)[:2] == [("error", "rate_limited", 3, 2), ("error", "", 2, 2)]
    assert set(kinds(page)[2:]) == {("timeout", "", 1, 1), ("cancelled", "", 1, 1)}
    assert "The provider wants fewer requests." in page
    assert "rate_limited" in page


def test_a_number_leads_to_exactly_its_logs(alice: PanelClient, failed: dict[Any, set[UUID]]) -> None:
    """None of another kind, of another action or of before the period."""
    page = alice.get("/errors/").text
    found = [ids(alice, url) for url in logs_behind(page)]
    assert sorted(map(sorted, found)) == sorted(map(sorted, failed.values()))
    assert [len(logs) for logs in found] == [runs for _, _, runs, _ in kinds(page)]


@pytest.mark.usefixtures("failed")
def test_the_last_case_can_be_opened(alice: PanelClient) -> None:
    """Each row leads to a log that ended so."""
    page = alice.get("/errors/").text
    cases = re.findall(r'href="/aiagents(/activity/details/\?id=[^"]+)"', page)
    assert len(cases) == 4
    assert "rate_limited" in alice.get(cases[0]).text


@pytest.mark.parametrize(
    ("last", "found"), [("1h", False), ("24h", False), ("7d", False), ("30d", True), ("4w", True)]
)
@pytest.mark.usefixtures("failed")
def test_the_period_is_chosen(alice: PanelClient, last: str, found: bool) -> None:
    """What is older is left out; the page keeps what was chosen."""
    page = alice.get(f"/errors/?last={last}").text
    assert ("<code>old</code>" in page) == found
    assert f'<option value="{last}" selected>' in page


@pytest.mark.parametrize("last", ["1x", "-1d", "99999999999d", "0d", "99999d", "%00", "é", "today"])
def test_nonsense_for_a_period_is_told(alice: PanelClient, last: str) -> None:
    """As a page that says what could be asked."""
    response = alice.get(f"/errors/?last={last}")
    assert response.status_code == 400
    assert "aia-empty" in response.text


def test_each_sees_its_own(
    host: Flask, clients: Clients, bob: PanelClient, charlie: PanelClient, root: PanelClient, failed: Any
) -> None:
    """bob his runs alone, which the page says; charlie his tenant's; root all."""
    agent = make_agent(clients.alice, "Third")["id"]
    execution(host, agent, principal=BOB, status="timeout", error="timeout")
    page = bob.get("/errors/").text
    assert kinds(page) == [("timeout", "", 1, 1)]
    assert "Your own runs only." in page
    assert kinds(charlie.get("/errors/").text) == [("error", "upstream", 1, 1)]
    assert sum(runs for _, _, runs, _ in kinds(root.get("/errors/").text)) == sum(map(len, failed.values())) + 2


def test_no_errors(alice: PanelClient) -> None:
    """The empty page says that all went well."""
    assert "No errors in this period" in alice.get("/errors/").text
