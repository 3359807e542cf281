from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from support.cast import OFFLINE, Clients, make_agent

from flask_aiagents import Principal, Role
from flask_aiagents.testing import client_as

STATUSES = ("inactive", "maintenance", "error")


def url(agent: dict[str, Any]) -> str:
    return f"/api/ai_agents/{agent['id']}"


@pytest.mark.requirement("R17")
def test_users_change_and_delete_the_agents_they_made(any_clients: Clients) -> None:
    """Their author patches, replaces and deletes them; a stranger finds none of them."""
    agent = make_agent(any_clients.bob, "Bob's")
    changed = any_clients.bob.patch(url(agent), json={"description": "Better", "status": "maintenance"})
    assert (changed.status_code, changed.json["description"], changed.json["status"]) == (
        200,
        "Better",
        "maintenance",
    )
    assert changed.json["status_set_by_admin"] is False
    replaced = any_clients.bob.put(url(agent), json={"name": "Bob's own", "model_config": OFFLINE})
    assert (replaced.status_code, replaced.json["status"]) == (200, "active")
    for method in ("patch", "put", "delete"):
        assert (
            getattr(any_clients.charlie, method)(
                url(agent), json={"name": "x", "model_config": OFFLINE}
            ).status_code
            == 404
        )
    assert any_clients.bob.delete(url(agent)).status_code == 204


@pytest.mark.requirement("R17")
def test_users_cannot_change_the_agents_of_others(any_host: Flask, any_clients: Clients) -> None:
    """Agents of an admin, of another user and shared ones stay as they are, and the answer says why."""
    for maker in (any_clients.alice, any_clients.root):
        agent = make_agent(maker, "Not bob's")
        for method in ("patch", "put"):
            refused = getattr(any_clients.bob, method)(url(agent), json={"name": "x", "model_config": OFFLINE})
            assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
        assert any_clients.bob.delete(url(agent)).status_code == 403
        assert any_clients.bob.get(url(agent)).json["version"] == 1
    carol = client_as(any_host, Principal("carol", "acme", Role.USER))
    hers = make_agent(carol, "Hers")
    assert any_clients.bob.patch(url(hers), json={"name": "x"}).status_code == 403
    assert carol.patch(url(hers), json={"name": "x"}).status_code == 200


@pytest.mark.parametrize("status", STATUSES)
def test_authors_keep_a_status_that_an_admin_set(clients: Clients, status: str) -> None:
    """They change everything else of the agent, and its status neither by PATCH nor by PUT."""
    agent = make_agent(clients.bob, "Bob's")
    stopped = clients.alice.patch(url(agent), json={"status": status}).json
    assert stopped["status_set_by_admin"] is True
    refused = clients.bob.patch(url(agent), json={"status": "active"})
    assert refused.status_code == 403
    assert status in refused.json["hint"]
    assert clients.bob.put(url(agent), json={"name": "x", "model_config": OFFLINE}).status_code == 403
    same = {"name": "New name", "model_config": OFFLINE, "status": status}
    assert clients.bob.put(url(agent), json=same).json["name"] == "New name"
    assert clients.bob.patch(url(agent), json={"description": "x"}).json["status"] == status
    assert clients.alice.patch(url(agent), json={"status": "active"}).json["status"] == "active"
    assert clients.bob.patch(url(agent), json={"status": "inactive"}).status_code == 403


def test_a_change_without_a_new_status_leaves_it_to_the_author(clients: Clients) -> None:
    """An admin who edits something else, or sends the status that the agent has, does not set it."""
    agent = make_agent(clients.bob, "Bob's")
    clients.alice.patch(url(agent), json={"description": "By alice", "status": "active"})
    assert clients.bob.patch(url(agent), json={"status": "inactive"}).json["status"] == "inactive"


def test_authors_manage_neither_credentials_nor_configurations(clients: Clients) -> None:
    """To have made an agent is no right to its keys or its overrides."""
    agent = make_agent(clients.bob, "Bob's")
    key = {"provider": "openai", "api_key": "sk-12345678"}
    assert clients.bob.put(f"{url(agent)}/credential", json=key).status_code == 403
    assert clients.bob.delete(f"{url(agent)}/credential").status_code == 403
    assert clients.bob.put(f"{url(agent)}/configuration", json={"configuration": {}}).status_code == 403


@pytest.mark.requirement("R15")
def test_nobody_writes_who_set_the_status(clients: Clients) -> None:
    """The field is refused in every body."""
    agent = make_agent(clients.bob, "Bob's")
    for client in (clients.bob, clients.alice):
        assert client.patch(url(agent), json={"status_set_by_admin": False}).status_code == 422
