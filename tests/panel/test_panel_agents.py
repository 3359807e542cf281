from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from support.cast import Clients, make_agent
from support.panel import PanelClient


def names(page: str) -> list[str]:
    """The agents of a list, in its order."""
    return [name.strip() for name in re.findall(r'class="aia-name"[^>]*>([^<]*)<', page)]


def status(clients: Clients, agent: dict[str, Any]) -> str:
    return clients.alice.get(f"/api/ai_agents/{agent['id']}").json["status"]


def test_the_list_shows_what_the_principal_sees(
    clients: Clients, alice: PanelClient, bob: PanelClient, charlie: PanelClient, root: PanelClient
) -> None:
    """The tenant's agents and the shared ones; the operator sees all, with their tenants."""
    make_agent(clients.alice, "Acme's")
    make_agent(clients.charlie, "Globex's")
    make_agent(clients.root, "Everybody's")
    assert names(alice.get("/agents/").text) == ["Everybody&#39;s", "Acme&#39;s"]
    assert names(bob.get("/agents/").text) == ["Everybody&#39;s", "Acme&#39;s"]
    assert names(charlie.get("/agents/").text) == ["Everybody&#39;s", "Globex&#39;s"]
    everything = root.get("/agents/").text
    assert names(everything) == ["Everybody&#39;s", "Globex&#39;s", "Acme&#39;s"]
    assert 'class="aia-tag">globex<' in everything


def test_a_user_sees_no_management(clients: Clients, bob: PanelClient) -> None:
    """Nothing to tick, to edit or to delete; running and creating are a user's right."""
    make_agent(clients.alice)
    page = bob.get("/agents/").text
    assert "rowid" not in page
    assert "/agents/edit/" not in page
    assert "/agents/new/" in page
    assert "/playground/?agent=" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=ORDER", ["Order desk"]),
        ("search=parcels", ["Order desk"]),
        ("search=%25", ["Writer", "Order desk"]),
        ("status=inactive", ["Writer"]),
        ("agent_type=coder", ["Writer"]),
        ("capability=planning", ["Order desk"]),
        ("provider=openai", ["Writer"]),
        ("model=gpt-4o-mini", ["Writer"]),
        ("status=active&provider=openai", []),
        ("sort=0", ["Order desk", "Writer"]),
        ("sort=0&desc=1", ["Writer", "Order desk"]),
        ("tenant=globex", ["Writer", "Order desk"]),
    ],
)
def test_search_filters_and_order(clients: Clients, alice: PanelClient, query: str, found: list[str]) -> None:
    """Each filter narrows the list; the tenant's is the operator's alone."""
    make_agent(clients.alice, "Order desk", description="Knows all parcels.", capabilities=["planning"])
    openai = {"provider": "openai", "model": "gpt-4o-mini"}
    make_agent(clients.alice, "Writer", model_config=openai, status="inactive", agent_type="coder")
    assert names(alice.get(f"/agents/?{query}").text) == found


def test_the_operator_filters_by_tenant(clients: Clients, root: PanelClient) -> None:
    """One tenant's agents."""
    make_agent(clients.alice, "One")
    make_agent(clients.charlie, "Other")
    assert names(root.get("/agents/?tenant=globex").text) == ["Other"]


@pytest.mark.parametrize(
    "query", ["page=-5", "page=99999999999999999999", "page_size=100000000", "page=x&sort=y&desc=z", "sort=-1"]
)
def test_pages_are_clamped(clients: Clients, alice: PanelClient, query: str) -> None:
    """Nonsense in the address asks for no more than a page, and breaks nothing."""
    clients.alice.post(
        "/api/ai_agents",
        json=[{"name": f"A{n}", "model_config": {"provider": "offline", "model": "offline"}} for n in range(25)],
    )
    response = alice.get(f"/agents/?{query}")
    assert response.status_code == 200
    assert len(names(response.text)) <= 20


def test_paging_visits_every_agent_once(clients: Clients, alice: PanelClient) -> None:
    """The link to the next page is there until the last."""
    model = {"provider": "offline", "model": "offline"}
    clients.alice.post("/api/ai_agents", json=[{"name": f"A{n}", "model_config": model} for n in range(45)])
    seen, url = [], "/agents/"
    while url:
        page = alice.get(url).text
        seen += names(page)
        following = re.search(r'rel="next" href="/aiagents([^"]+)"', page)
        url = following[1].replace("&amp;", "&") if following else ""
    assert sorted(seen) == sorted(f"A{n}" for n in range(45))


@pytest.mark.parametrize("bad", ["abc", "", "%00", "9" * 400, "00000000-0000-0000-0000-000000000000", "-1"])
@pytest.mark.parametrize("page", ["details", "edit"])
def test_what_is_no_id_is_absent(alice: PanelClient, page: str, bad: str) -> None:
    """A page that says so, with the way back; never an error of ours."""
    response = alice.get(f"/agents/{page}/?id={bad}")
    assert response.status_code == 404
    assert "/aiagents/agents/" in response.text


@pytest.mark.parametrize(
    ("action", "after"), [("activate", "active"), ("deactivate", "inactive"), ("maintain", "maintenance")]
)
def test_bulk_actions_change_what_was_ticked(
    clients: Clients, alice: PanelClient, action: str, after: str
) -> None:
    """The ticked agents change, the others stay."""
    first = make_agent(clients.alice, "First", status="error")
    second = make_agent(clients.alice, "Second", status="error")
    other = make_agent(clients.alice, "Other", status="error")
    response = alice.post("/agents/action/", {"action": action, "rowid": [first["id"], second["id"]]})
    assert response.status_code == 302
    assert "2 agents changed." in alice.get("/agents/").text
    assert [status(clients, agent) for agent in (first, second, other)] == [after, after, "error"]


def test_bulk_delete_tells_what_it_could_not_do(clients: Clients, alice: PanelClient) -> None:
    """Own agents go; a shared one, another tenant's and nonsense stay, and it says why."""
    own = make_agent(clients.alice, "Own")
    shared = make_agent(clients.root, "Shared")
    foreign = make_agent(clients.charlie, "Foreign")
    alice.post("/agents/action/", {"action": "delete", "rowid": [own["id"], shared["id"], foreign["id"], "x"]})
    page = alice.get("/agents/").text
    assert "1 agent deleted." in page
    assert "A shared agent can only be changed by a super admin." in page
    assert clients.alice.get(f"/api/ai_agents/{own['id']}").status_code == 404
    assert clients.alice.get(f"/api/ai_agents/{shared['id']}").status_code == 200
    assert clients.charlie.get(f"/api/ai_agents/{foreign['id']}").status_code == 200


def test_a_user_who_forces_a_bulk_action_changes_nothing(clients: Clients, bob: PanelClient) -> None:
    """The buttons are not the lock: the service is."""
    agent = make_agent(clients.alice)
    bob.post("/agents/action/", {"action": "delete", "rowid": [agent["id"]]})
    assert "may not delete an agent" in bob.get("/agents/").text
    assert status(clients, agent) == "active"


def test_delete_goes_back_to_the_list_only(clients: Clients, alice: PanelClient) -> None:
    """Where to go after it is taken from the form only when it is the list."""
    for url, target in (
        ("/aiagents/agents/?search=x", "?search=x"),
        ("/aiagents/agents/?search=\r\nX-Forged: 1", "?search=X-Forged:%201"),
        ("/aiagents/agents/?search=\u2028\u00fc", "?search=%E2%80%A8%C3%BC"),
        ("https://evil.example/", "/agents/"),
    ):
        agent = make_agent(clients.alice)
        response = alice.post("/agents/delete/", {"id": agent["id"], "url": url})
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/aiagents/agents/")
        assert response.headers["Location"].endswith(target)


def test_an_open_list_asks_for_its_table_alone(clients: Clients, alice: PanelClient) -> None:
    """What keeps a list up to date gets no page around it."""
    make_agent(clients.alice, "Fresh")
    part = alice.get("/agents/", headers={"X-AIAgents-Live": "1"}).text
    assert names(part) == ["Fresh"]
    assert "<html" not in part


def test_the_list_has_the_figures_of_the_week(clients: Clients, alice: PanelClient) -> None:
    """Runs, success rate and cost of the last 7 days, as the log has them."""
    agent = make_agent(clients.alice)
    for _ in range(3):
        clients.alice.post(f"/api/ai_agents/{agent['id']}/execute", json={"input": "hi"})
    page = alice.get("/agents/").text
    assert "100%" in page
    assert re.search(r'<span class="aia-num">3</span>', page)
    assert re.search(r'aria-label="Runs a day: 0, 0, 0, 0, 0, 0, 3"', page)


def test_an_empty_list_says_what_to_do_first(alice: PanelClient) -> None:
    """No agents: how to make one. None that fits: how to see all."""
    assert "Create the first agent" in alice.get("/agents/").text
    assert "No entry fits these filters." in alice.get("/agents/?status=active").text


def test_what_flask_admin_would_do_past_the_services_has_no_route(host: Flask) -> None:
    """No inline editing, no lookups, no export of Flask-Admin's own."""
    rules = [rule.rule for rule in host.url_map.iter_rules() if rule.endpoint.startswith("aiagents_panel_")]
    assert not [rule for rule in rules if "/ajax/" in rule or "export_type" in rule]


def test_without_scripts_the_server_asks_first(clients: Clients, alice: PanelClient) -> None:
    """Deleting from a page whose script did not ask shows the question; only its Yes deletes."""
    agent = make_agent(clients.alice)
    for path, form in (
        ("/agents/delete/", {"id": agent["id"]}),
        ("/agents/action/", {"action": "delete", "rowid": agent["id"]}),
    ):
        page = alice.post(path, {**form, "ask": "1"})
        assert page.status_code == 200
        assert "Yes, do it" in page.text
        assert all(f'name="{name}" value="{value}"' in page.text for name, value in form.items())
    assert status(clients, agent) == "active"
    alice.post("/agents/action/", {"action": "delete", "rowid": agent["id"]})
    assert clients.alice.get(f"/api/ai_agents/{agent['id']}").status_code == 404


def test_what_can_be_undone_is_done_at_once(clients: Clients, alice: PanelClient) -> None:
    """Activating asks nothing, with or without scripts."""
    agent = make_agent(clients.alice, status="inactive")
    alice.post("/agents/action/", {"action": "activate", "rowid": agent["id"], "ask": "1"})
    assert status(clients, agent) == "active"
