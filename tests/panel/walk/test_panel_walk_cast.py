"""What bob, charlie and root see and may do, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from support.browser import PageFor
from support.cast import make_agent
from support.live import Live, live

from flask_aiagents import AIAgents

FORGED = """async ([path, fields]) => {
  const csrf_token = document.querySelector('meta[name="csrf-token"]').content;
  const body = new URLSearchParams({ csrf_token, ...fields });
  return (await fetch(path, { method: "POST", body, redirect: "manual" })).status;
}"""
"""A form that the page does not have, sent with the page's own token."""


@pytest.fixture
def live_host(tmp_path: Path) -> Iterator[Live]:
    """A host that names its tenants."""
    tenants = {"acme": "Acme Outdoor", "globex": "Globex Books"}
    names = AIAgents(
        list_tenants=lambda: tenants.items(), labels=lambda _, ids: {id_: tenants.get(id_, id_) for id_ in ids}
    )
    with live(f"sqlite:///{tmp_path}/live.db", aiagents=names) as host:
        yield host


@pytest.fixture
def made(live_host: Live) -> dict[str, Any]:
    """An agent of each tenant, and one that all share."""
    return {
        "acme": make_agent(live_host.clients.alice, "Acme's desk"),
        "globex": make_agent(live_host.clients.charlie, "Globex's desk"),
        "shared": make_agent(live_host.clients.root, "Everybody's helper"),
    }


def names(page: Page) -> set[str]:
    """The agents that a list shows."""
    page.get_by_role("table").wait_for()
    return {name.strip() for name in page.locator(".aia-name").all_inner_texts()}


def menu(page: Page) -> set[str]:
    return set(page.get_by_role("navigation", name="AI agents").get_by_role("link").all_inner_texts())


def test_bob_uses_agents_and_manages_none(live_host: Live, made: dict[str, Any], page_for: PageFor) -> None:
    """He sees them and runs them; of others' agents there is nothing to tick, edit or delete, and no keys."""
    page = page_for("bob")
    assert names(page) == {"Acme's desk", "Everybody's helper"}
    assert not menu(page) & {"API keys", "Credentials", "Provider keys", "Tenants"}
    expect(page.get_by_role("checkbox")).to_have_count(0)
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)
    expect(page.get_by_role("link", name="Run Acme's desk")).to_be_visible()
    page.get_by_role("link", name="Acme's desk", exact=True).click()
    expect(page.get_by_role("heading", name="Acme's desk")).to_be_visible()
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)


def test_bob_is_refused_what_he_forces(live_host: Live, made: dict[str, Any], page_for: PageFor) -> None:
    """Pages by their address, forms by their fields: refused, with a page that says so, and nothing is changed."""
    page, panel, agent_id = page_for("bob", tolerated=("status of 403",)), live_host.panel, made["acme"]["id"]
    fields = {"name": "Taken over", "provider": "offline", "model": "offline", "id": agent_id, "version": "1"}
    assert page.evaluate(FORGED, [f"{panel}/agents/delete/", {"id": agent_id}]) == 403
    assert page.evaluate(FORGED, [f"{panel}/agents/edit/?id={agent_id}", fields]) == 403
    page.evaluate(FORGED, [f"{panel}/agents/action/", {"action": "delete", "rowid": agent_id}])
    page.goto(f"{live_host.url}{panel}/agents/edit/?id={agent_id}")
    expect(page.get_by_role("alert")).to_contain_text("may not")
    expect(page.get_by_role("link", name="To the agents")).to_be_visible()
    assert live_host.clients.alice.get(f"/api/ai_agents/{agent_id}").json == made["acme"]


def test_charlie_sees_nothing_of_acme(live_host: Live, made: dict[str, Any], page_for: PageFor) -> None:
    """Not in lists, not by search, not by address; a forced write finds nothing to write."""
    page, panel, agent_id = page_for("charlie", tolerated=("status of 404",)), live_host.panel, made["acme"]["id"]
    assert names(page) == {"Globex's desk", "Everybody's helper"}
    page.goto(f"{live_host.url}{panel}/agents/?search=acme")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    for path in (
        f"/agents/details/?id={agent_id}",
        f"/agents/edit/?id={agent_id}",
        f"/playground/?agent={agent_id}",
    ):
        answer = page.goto(f"{live_host.url}{panel}{path}")
        assert answer is not None
        assert answer.status == 404
        expect(page.get_by_role("main")).not_to_contain_text("Acme")
    page.goto(f"{live_host.url}{panel}/agents/")
    assert page.evaluate(FORGED, [f"{panel}/agents/delete/", {"id": agent_id}]) == 404
    page.evaluate(FORGED, [f"{panel}/agents/action/", {"action": "delete", "rowid": agent_id}])
    assert live_host.clients.alice.get(f"/api/ai_agents/{agent_id}").json == made["acme"]


def test_a_shared_agent_is_read_and_configured_by_a_tenant(
    live_host: Live, made: dict[str, Any], page_for: PageFor
) -> None:
    """charlie may not change it for all; what globex overrides is globex's own."""
    page = page_for("charlie", f"/agents/details/?id={made['shared']['id']}")
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    page.get_by_role("link", name="Configure").click()
    page.get_by_label("Overrides", exact=True).fill('{"temperature": 0.25}')
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_text("Everybody's helper was saved.")).to_be_visible()
    expect(page.get_by_role("row", name="temperature")).to_contain_text("this tenant")
    shared = f"/api/ai_agents/{made['shared']['id']}"
    assert live_host.clients.charlie.get(f"{shared}/configuration").json["configuration"] == {"temperature": 0.25}
    assert live_host.clients.alice.get(f"{shared}/configuration").status_code == 404
    assert live_host.clients.root.get(shared).json["version"] == made["shared"]["version"]


def test_root_sees_all_and_acts_for_one(live_host: Live, made: dict[str, Any], page_for: PageFor) -> None:
    """The picker in the head narrows every page to a tenant, and an agent made then is that tenant's."""
    page = page_for("root")
    assert names(page) == {"Acme's desk", "Globex's desk", "Everybody's helper"}
    page.get_by_role("link", name="Acting for all tenants").click()
    picker = page.get_by_role("dialog")
    picker.get_by_label("Search").fill("glo")
    picker.get_by_role("button", name="Search").click()
    expect(picker.get_by_role("button", name="Acme Outdoor")).to_have_count(0)
    picker.get_by_role("button", name="Globex Books").click()
    expect(page.get_by_role("link", name="Acting for Globex Books")).to_be_visible()
    page.goto(f"{live_host.url}{live_host.panel}/agents/")
    assert names(page) == {"Globex's desk", "Everybody's helper"}
    page.get_by_role("link", name="New agent").click()
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("Made for globex")
    page.get_by_role("dialog").get_by_role("button", name="Create the agent").click()
    expect(page.get_by_text("Made for globex was saved.")).to_be_visible()
    made_for = {agent["name"]: agent["tenant_id"] for agent in live_host.clients.root.get("/api/ai_agents").json}
    assert made_for["Made for globex"] == "globex"
    page.get_by_role("link", name="Acting for Globex Books").click()
    page.get_by_role("dialog").get_by_role("button", name="All tenants").click()
    expect(page.get_by_role("link", name="Acting for all tenants")).to_be_visible()


def test_root_filters_by_tenant(live_host: Live, made: dict[str, Any], page_for: PageFor) -> None:
    """One list for all, narrowed to one."""
    page = page_for("root")
    page.get_by_label("Tenant").fill("globex")
    page.get_by_label("Tenant").press("Enter")
    expect(page.get_by_role("link", name="Acme's desk", exact=True)).to_have_count(0)
    assert names(page) == {"Globex's desk"}
