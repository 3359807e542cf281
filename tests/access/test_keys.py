from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import Clients, make_agent

from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.access.models import ApiKey


def new_key(client: Any, **body: Any) -> dict[str, Any]:
    """A key made over HTTP."""
    response = client.post("/api/ai_agent_api_keys", json={"name": "machine"} | body)
    assert response.status_code == 201, response.text
    return response.json


def agents(host: Flask, **headers: str) -> Any:
    """What a request without a login gets for these headers."""
    return host.test_client().get("/api/ai_agents", headers={k.replace("_", "-"): v for k, v in headers.items()})


@pytest.mark.requirement("R53")
def test_a_key_cannot_expire_after_the_calendar(clients: Clients) -> None:
    """A time that is no time in UTC is a 422 on its field."""
    body = {"name": "late", "expires_at": "9999-12-31T23:59:59-14:00"}
    refused = clients.alice.post("/api/ai_agent_api_keys", json=body)
    assert (refused.status_code, list(refused.json["details"])) == (422, ["expires_at"])


def test_a_key_acts_as_its_user_through_either_header(host: Flask, clients: Clients) -> None:
    """The token of a new key lets a machine in as Bearer and as X-API-Key, and is never shown again."""
    make_agent(clients.alice, "Seen")
    key = new_key(clients.alice, role="user", user_id="bob")
    assert key["token"].startswith("aia_")
    for headers in ({"Authorization": f"Bearer {key['token']}"}, {"X-API-Key": key["token"]}):
        assert [agent["name"] for agent in agents(host, **headers).json] == ["Seen"]
    listed = clients.alice.get("/api/ai_agent_api_keys")
    assert key["token"] not in listed.text
    assert listed.json[0]["last_used_at"] is not None
    assert (listed.json[0]["user_id"], listed.json[0]["tenant_id"]) == ("bob", "acme")


def test_r11_a_stored_key_is_a_hash(host: Flask, clients: Clients) -> None:
    """The table holds nothing that lets anybody in."""
    token = new_key(clients.alice)["token"]
    with host.extensions["aiagents"].database.engine.connect() as connection:
        rows = connection.execute(sa.select(ApiKey.__table__)).all()
    assert token not in str(rows)
    assert token.split("_")[-1] not in str(rows)


def test_r12_a_keys_role_is_the_same_through_every_header(host: Flask, clients: Clients) -> None:
    """A user's key may not delete, whichever header carries it; two different keys at once are refused."""
    agent = make_agent(clients.alice)
    key, other = new_key(clients.alice, role="user", user_id="bob")["token"], new_key(clients.alice)["token"]
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
        response = host.test_client().delete(f"/api/ai_agents/{agent['id']}", headers=headers)
        assert response.status_code == 403
    assert agents(host, Authorization=f"Bearer {key}", X_API_Key=other).status_code == 401


def test_r16_a_key_cannot_mint_wider_rights(host: Flask, clients: Clients) -> None:
    """No key is wider than its maker, nor outlives the key that makes it."""
    assert (
        clients.alice.post("/api/ai_agent_api_keys", json={"name": "x", "role": "super_admin"}).status_code == 403
    )
    assert clients.bob.post("/api/ai_agent_api_keys", json={"name": "x"}).status_code == 403
    soon = (utcnow() + timedelta(hours=1)).isoformat()
    token = new_key(clients.alice, expires_at=soon)["token"]
    machine: Any = host.test_client()
    longer = machine.post("/api/ai_agent_api_keys", json={"name": "x"}, headers={"X-API-Key": token})
    assert (longer.status_code, "outlives" in longer.json["message"]) == (403, True)
    acting = {"X-AIAgents-Tenant": "acme"}
    made = clients.root.post("/api/ai_agent_api_keys", json={"name": "x"}, headers=acting).json
    assert (made["role"], made["tenant_id"]) == ("tenant_admin", "acme")


@pytest.mark.parametrize(
    "token", ["", "null", "None", "undefined", "aia_", "aia_null", "aia_" + "0" * 32 + "_x", "\x00"]
)
def test_r18_null_and_empty_tokens_never_match(host: Flask, clients: Clients, token: str) -> None:
    """A token that is none lets nobody in, although keys exist."""
    new_key(clients.alice)
    environ = {"HTTP_X_API_KEY": token, "HTTP_AUTHORIZATION": f"Bearer {token}"}
    assert host.test_client().get("/api/ai_agents", environ_overrides=environ).status_code == 401


def test_r19_every_part_of_a_token_counts(host: Flask, clients: Clients) -> None:
    """After a good token was seen, one that differs in its last character is still refused."""
    token = new_key(clients.alice)["token"]
    assert agents(host, X_API_Key=token).status_code == 200
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert agents(host, X_API_Key=forged).status_code == 401
    assert agents(host, X_API_Key=token + "x").status_code == 401


def test_a_revoked_or_expired_key_is_refused(host: Flask, clients: Clients) -> None:
    """Revoking ends a key at once, and so does its expiry."""
    key = new_key(clients.alice)
    assert clients.alice.delete(f"/api/ai_agent_api_keys/{key['id']}").status_code == 204
    assert agents(host, X_API_Key=key["token"]).status_code == 401
    late = new_key(clients.alice, expires_at=(utcnow() + timedelta(hours=1)).isoformat())
    database = host.extensions["aiagents"].database
    with database.transaction(SYSTEM) as session:
        session.execute(sa.update(ApiKey).values(expires_at=utcnow() - timedelta(seconds=1)))
    assert agents(host, X_API_Key=late["token"]).status_code == 401
    past = clients.alice.post("/api/ai_agent_api_keys", json={"name": "x", "expires_at": "2020-01-01T00:00:00Z"})
    assert past.status_code == 422


def test_the_last_use_is_written_once_a_minute(host: Flask, clients: Clients) -> None:
    """Two uses within a minute write once."""
    token = new_key(clients.alice)["token"]
    agents(host, X_API_Key=token)
    first = clients.alice.get("/api/ai_agent_api_keys").json[0]["last_used_at"]
    agents(host, X_API_Key=token)
    assert clients.alice.get("/api/ai_agent_api_keys").json[0]["last_used_at"] == first


def test_r14_another_tenants_key_is_absent(clients: Clients) -> None:
    """A stranger neither sees nor revokes a key."""
    key_id = new_key(clients.alice)["id"]
    assert clients.charlie.get("/api/ai_agent_api_keys").json == []
    assert clients.charlie.get(f"/api/ai_agent_api_keys/{key_id}").status_code == 404
    assert clients.charlie.delete(f"/api/ai_agent_api_keys/{key_id}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"role": "user"},
        {"role": "tenant_admin"},
        {"role": "user", "user_id": "bob"},
        {"role": "user", "permissions": ["read_agents"]},
    ],
)
@pytest.mark.parametrize("headers", [{}, {"X-AIAgents-Tenant": "*"}])
def test_a_key_of_a_tenants_role_needs_a_tenant(
    clients: Clients, body: dict[str, Any], headers: dict[str, str]
) -> None:
    """Outside of a tenant such a key could never authenticate: a 422 at the role that says what to name."""
    refused = clients.root.post("/api/ai_agent_api_keys", json={"name": "x"} | body, headers=headers)
    assert (refused.status_code, list(refused.json["details"])) == (422, ["role"])
    assert "X-AIAgents-Tenant" in refused.json["hint"]
    acting = {"X-AIAgents-Tenant": "acme"}
    made = clients.root.post("/api/ai_agent_api_keys", json={"name": "x"} | body, headers=acting)
    assert (made.status_code, made.json["tenant_id"]) == (201, "acme"), made.text
