from __future__ import annotations

import json
from typing import Any

from flask import Flask
from support.agent_forms import actions, agents, create, edit, edit_form, stored_keys
from support.cast import ALICE, OFFLINE, Clients, make_agent
from support.forms import FormReader
from support.hosts import make_host
from support.panel import PanelClient

from flask_aiagents.testing import client_as

KEY = "sk-canary-0123456789"


def test_a_key_is_stored_with_the_agent_and_never_shown(clients: Clients, alice: PanelClient) -> None:
    """No page has it, not even one that comes back with a message; only its end is told."""
    refused = create(alice, name="", provider="openai", model="gpt-4o-mini", api_key=KEY)
    assert refused.status_code == 422
    assert create(alice, name="Keyed", provider="openai", model="gpt-4o-mini", api_key=KEY).status_code == 302
    (agent,) = agents(clients.alice)
    assert stored_keys(clients.alice) == ["****6789"]
    edited = edit(alice, agent, name="", api_key=KEY)
    pages = [refused, edited, alice.get(f"/agents/edit/?id={agent['id']}")]
    pages += [alice.get(f"/agents/details/?id={agent['id']}"), alice.get("/agents/")]
    assert all(KEY not in page.text for page in pages)
    assert "that ends in …6789" in pages[2].text
    assert "https://api.openai.com" in pages[2].text
    assert edit(alice, agent, remove_key="y").status_code == 302
    assert stored_keys(clients.alice) == []


def test_agent_key_and_configuration_are_kept_together_or_not_at_all(clients: Clients, alice: PanelClient) -> None:
    """A key that is refused leaves no agent behind; a wrong override leaves the agent as it was."""
    answer = create(alice, name="Half", api_key="short")
    assert answer.status_code == 422
    assert "Length must be between 8 and 4096" in FormReader(answer.text, "/aiagents/agents/").messages["api_key"]
    assert agents(clients.alice) == []
    agent = make_agent(clients.alice)
    answer = edit(alice, agent, description="New", api_key=KEY, configuration='{"temperature": 5, "modell": "x"}')
    messages = FormReader(answer.text, "/aiagents/agents/").messages["configuration"]
    assert "temperature: Must be" in messages
    assert "modell: Unknown field" in messages
    assert clients.alice.get(f"/api/ai_agents/{agent['id']}").json["description"] == ""
    assert actions(clients.alice, agent["id"]) == ["create"]


def test_all_of_a_form_is_kept_on_each_database(any_host: Flask) -> None:
    """Agent, key and configuration in one transaction, or none of them."""
    alice, clients = PanelClient(client_as(any_host, ALICE)), Clients.of(any_host)
    assert create(alice, name="Keyed", provider="openai", model="m", api_key=KEY).status_code == 302
    (agent,) = agents(clients.alice)
    saved = edit(
        alice, agent, description="D", configuration='{"temperature": 1}', is_active="y", api_key=KEY[:-1]
    )
    assert saved.status_code == 302
    assert stored_keys(clients.alice) == ["****5678"]
    before = actions(clients.alice, agent["id"])
    wrong = edit(
        alice, agent, description="E", configuration='{"temperature": 1.5}', is_active="y", api_key="short"
    )
    assert wrong.status_code == 422
    assert actions(clients.alice, agent["id"]) == before
    assert clients.alice.get(f"/api/ai_agents/{agent['id']}").json["description"] == "D"
    assert alice.get(f"/agents/details/?id={agent['id']}").status_code == 200


def test_an_app_without_encryption_says_so_beside_the_key(tmp_path: Any) -> None:
    """And keeps nothing of the form."""
    app = make_host(f"sqlite:///{tmp_path}/host.db", AIAGENTS_ENCRYPTION_KEYS="")
    alice = PanelClient(client_as(app, ALICE))
    answer = create(alice, name="Keyed", provider="openai", model="m", api_key=KEY)
    assert answer.status_code == 422
    assert "AIAGENTS_ENCRYPTION_KEYS" in FormReader(answer.text, "/aiagents/agents/").messages["api_key"]
    assert agents(Clients.of(app).alice) == []


def test_the_tenants_configuration_is_set_switched_off_and_removed(clients: Clients, alice: PanelClient) -> None:
    """On the agent's own form; unchanged it is not written again."""
    agent = make_agent(clients.alice)
    url = f"/api/ai_agents/{agent['id']}/configuration"
    edit(alice, agent, configuration='{"temperature": 0.2}', is_active="y")
    assert clients.alice.get(url).json["effective"] == OFFLINE | {"temperature": 0.2}
    form = edit_form(alice, agent)
    assert json.loads(form["configuration"]) == {"temperature": 0.2}
    edit(alice, agent)
    edit(alice, agent, is_active=None)
    assert clients.alice.get(url).json["is_active"] is False
    edit(alice, agent, configuration="")
    assert clients.alice.get(url).status_code == 404
    assert actions(clients.alice, agent["id"]) == ["configure", "configure", "configure", "create"]
