from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from flask import Flask
from support.cast import OFFLINE, Clients, make_agent
from support.logs import execution
from support.panel import PanelClient

from flask_aiagents import Principal
from flask_aiagents.core.clock import utcnow

XSS = "<script>alert('x')</script><img src=x onerror=alert(1)>"


def page_of(panel: PanelClient, agent: dict[str, Any]) -> str:
    answer = panel.get(f"/agents/details/?id={agent['id']}")
    assert answer.status_code == 200, answer.text
    return answer.text


def words(html: str) -> str:
    """What a reader sees of some HTML."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def section(page: str, name: str) -> str:
    found = re.search(rf'aria-labelledby="{name}-title">(.*?)</section>', page, re.DOTALL)
    assert found, name
    return found[1]


def settings(page: str) -> dict[str, str]:
    """Each row of the effective configuration, as a reader sees it."""
    rows = re.findall(r"<tr>(.*?)</tr>", section(page, "settings"), re.DOTALL)[1:]
    return {key: text.strip() for key, _, text in (words(row).partition(" ") for row in rows)}


def figures(page: str) -> dict[str, str]:
    rows = re.findall(r"<tr>(.*?)</tr>", section(page, "figures"), re.DOTALL)[1:]
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return {words(cells[0]): " | ".join(map(words, cells[1:])) for cells in found}


def test_each_setting_is_told_with_where_it_comes_from(clients: Clients, alice: PanelClient) -> None:
    """The agent's own, this tenant's in its place, and what the tenant took away."""
    config = OFFLINE | {"temperature": 1, "system_prompt": "Be kind", "stop": ["END"], "top_p": 0.5}
    agent = make_agent(clients.alice, model_config=config)
    assert settings(page_of(alice, agent))["temperature"] == "1.0 the agent"
    overrides = {"temperature": 0.2, "top_p": None, "max_tokens": 50}
    clients.alice.put(f"/api/ai_agents/{agent['id']}/configuration", json={"configuration": overrides})
    told = settings(page_of(alice, agent))
    assert told["temperature"] == "0.2 in place of: 1.0 this tenant"
    assert told["top_p"] == "none in place of: 0.5 this tenant"
    assert told["max_tokens"] == "50 this tenant"
    assert told["system_prompt"] == "Be kind the agent"
    assert told["stop"] == "END the agent"


def test_another_provider_takes_the_agents_address_away(clients: Clients, alice: PanelClient) -> None:
    """An override of the provider leaves base_url behind, and the page says so."""
    config = {"provider": "openai", "model": "x", "base_url": "https://gateway.example/v1"}
    agent = make_agent(clients.alice, model_config=config)
    clients.alice.put(f"/api/ai_agents/{agent['id']}/configuration", json={"configuration": {"provider": "groq"}})
    told = settings(page_of(alice, agent))
    assert told["base_url"] == "none in place of: https://gateway.example/v1 this tenant"
    assert told["model"] == "x the agent"


def test_overrides_that_are_switched_off_are_told_and_not_applied(clients: Clients, alice: PanelClient) -> None:
    """The agent's own are in force."""
    agent = make_agent(clients.alice, model_config=OFFLINE | {"temperature": 1})
    off = {"configuration": {"temperature": 0.2}, "is_active": False}
    clients.alice.put(f"/api/ai_agents/{agent['id']}/configuration", json=off)
    page = page_of(alice, agent)
    assert settings(page)["temperature"] == "1.0 the agent"
    assert "they are switched off" in page


def test_figures_of_seven_and_thirty_days(host: Flask, clients: Clients, alice: PanelClient) -> None:
    """Runs, success and cost in both periods; what is older is in neither."""
    agent = make_agent(clients.alice)
    execution(host, agent["id"], cost_usd=Decimal("0.25"), duration_ms=1200)
    execution(host, agent["id"], at=utcnow() - timedelta(days=8), status="error", cost_usd=Decimal(1))
    execution(host, agent["id"], at=utcnow() - timedelta(days=31))
    told = figures(page_of(alice, agent))
    assert told["Runs"] == "1 | 2"
    assert told["Success"] == "100% | 50.0%"
    assert told["Cost"].startswith("$0.25")
    assert told["Cost"].endswith("| $1.25")


def test_what_happened_lately_links_to_the_log(host: Flask, clients: Clients, alice: PanelClient) -> None:
    """The last ten runs, the newest first; changes stand apart from them."""
    agent = make_agent(clients.alice)
    logs = [execution(host, agent["id"]) for _ in range(12)]
    recent = section(page_of(alice, agent), "recent")
    linked = re.findall(r"/activity/details/\?id=([0-9a-f-]+)", recent)
    assert linked == [str(log) for log in reversed(logs[2:])]
    assert "create" not in recent.lower()


def test_who_changed_what(clients: Clients, alice: PanelClient) -> None:
    """Each change with its author and fields, and the values on demand."""
    agent = make_agent(clients.alice)
    clients.root.patch(f"/api/ai_agents/{agent['id']}", json={"description": "Better", "status": "inactive"})
    changed = section(page_of(alice, agent), "changes")
    assert "root · Update: description, status just now" in words(changed)
    assert '"description": "Better"' in words(changed)
    assert words(changed).index("root") < words(changed).index("alice · Create")


def test_bob_reads_and_is_offered_what_he_may_do(host: Flask, clients: Clients, bob: PanelClient) -> None:
    """He runs and copies it; he sees his own runs, and neither keys nor buttons for managing."""
    config = {"provider": "openai", "model": "gpt-4o-mini"}
    agent = make_agent(clients.alice, model_config=config)
    clients.alice.put(f"/api/ai_agents/{agent['id']}/credential", json={"api_key": "sk-canary-6789"})
    page = page_of(bob, agent)
    assert "Open in playground" in page
    assert "Duplicate" in page
    for refused in ("/agents/edit/", "/agents/delete/", "6789"):
        assert refused not in page
    assert "Your own runs only." in page
    deleted = bob.post("/agents/delete/", {"id": agent["id"]})
    assert deleted.status_code == 403
    assert clients.alice.get(f"/api/ai_agents/{agent['id']}").status_code == 200


def test_alice_is_offered_everything_for_her_own_and_configuring_for_the_shared(
    clients: Clients, alice: PanelClient, root: PanelClient
) -> None:
    """A shared agent is edited and deleted by the operator alone."""
    own, shared = make_agent(clients.alice), make_agent(clients.root, "Shared")
    page = page_of(alice, own)
    assert f"/agents/edit/?id={own['id']}" in page
    assert "Delete Helper with its configurations and keys?" in page
    page = page_of(alice, shared)
    assert "Configure" in page
    assert "/agents/delete/" not in page
    assert alice.post("/agents/delete/", {"id": shared["id"]}).status_code == 403
    assert "/agents/delete/" in page_of(root, shared)


def test_an_inactive_agent_is_not_offered_to_run(clients: Clients, alice: PanelClient) -> None:
    """Only an active one runs."""
    assert "Open in playground" not in page_of(alice, make_agent(clients.alice, status="inactive"))


def test_deleting_leads_back_to_the_list(clients: Clients, alice: PanelClient) -> None:
    """After the question was answered."""
    agent = make_agent(clients.alice)
    answer = alice.post("/agents/delete/", {"id": agent["id"]})
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith("/agents/")
    assert clients.alice.get(f"/api/ai_agents/{agent['id']}").status_code == 404


def test_stored_text_is_inert_on_the_page(clients: Clients, alice: PanelClient, root: PanelClient) -> None:
    """Names, prompts, overrides and changes that hold markup are shown as text."""
    config = OFFLINE | {"system_prompt": XSS, "stop": [XSS], "output_schema": {"title": XSS}, "model": XSS}
    agent = make_agent(clients.alice, XSS, description=XSS, model_config=config)
    clients.alice.put(f"/api/ai_agents/{agent['id']}/configuration", json={"configuration": {"model": XSS + "2"}})
    clients.alice.patch(f"/api/ai_agents/{agent['id']}", json={"description": XSS + "!"})
    for panel in (alice, root):
        page = page_of(panel, agent)
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize("agent_id", ["", "no-id", "00000000-0000-0000-0000-000000000000", "%00"])
def test_what_is_no_agent_is_absent(
    panel: Callable[[Principal], PanelClient], alice: PanelClient, agent_id: str
) -> None:
    """A 404 page of ours, whatever stands in the address."""
    assert alice.get(f"/agents/details/?id={agent_id}").status_code == 404
