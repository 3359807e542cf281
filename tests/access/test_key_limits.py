from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from support.cast import OFFLINE, Clients, make_agent
from support.keys import KEYS, Headers, Machine, as_api_key, as_bearer, made

from flask_aiagents.core.clock import utcnow

LOGS = "/api/ai_agent_activity_logs"

HEADERS = [as_bearer, as_api_key]


@pytest.fixture
def pair(clients: Clients) -> tuple[str, str]:
    """Two agents of acme's, each of which has run once."""
    ids = [make_agent(clients.alice, name)["id"] for name in ("Allowed", "Hidden")]
    for id_ in ids:
        assert clients.alice.post(f"/api/ai_agents/{id_}/execute", json={"input": "hi"}).status_code == 200
        clients.alice.put(f"/api/ai_agents/{id_}/configuration", json={"configuration": {"top_p": 0.5}})
        clients.alice.put(
            f"/api/ai_agents/{id_}/credential", json={"provider": "openai", "api_key": "sk-12345678"}
        )
    return ids[0], ids[1]


@pytest.mark.requirement("R12")
@pytest.mark.requirement("R17")
@pytest.mark.parametrize("headers", HEADERS)
def test_a_key_does_only_what_its_permissions_name(host: Flask, clients: Clients, headers: Headers) -> None:
    """A key that reads agents neither executes, writes nor reads anything else, through any header."""
    agent = make_agent(clients.alice)["id"]
    key = made(clients.alice, permissions=["read_agents"])
    assert (key["permissions"], key["agent_ids"], key["made_by_key_id"]) == (["read_agents"], None, None)
    machine = Machine(host, key["token"], headers)
    assert [one["id"] for one in machine("GET", "/api/ai_agents").json] == [agent]
    refused = [
        ("POST", f"/api/ai_agents/{agent}/execute", {"input": "hi"}),
        ("PATCH", f"/api/ai_agents/{agent}", {"name": "x"}),
        ("DELETE", f"/api/ai_agents/{agent}", None),
        ("POST", "/api/ai_agents", {"name": "x", "model_config": OFFLINE}),
        ("GET", LOGS, None),
        ("GET", f"/api/ai_agents/{agent}/configuration", None),
        ("GET", "/api/ai_agent_analytics/summary", None),
        ("GET", "/api/ai_agent_credentials", None),
        ("GET", KEYS, None),
        ("POST", KEYS, {"name": "x"}),
    ]
    for method, path, body in refused:
        answer = machine(method, path, body)
        assert (answer.status_code, "API key" in answer.json["message"]) == (403, True), path


@pytest.mark.requirement("R12")
@pytest.mark.parametrize("headers", HEADERS)
def test_other_agents_are_absent_for_a_key_that_is_limited_to_some(
    host: Flask, clients: Clients, pair: tuple[str, str], headers: Headers
) -> None:
    """Lists, logs, metrics, configurations and credentials show the key's agents; the others are a 404."""
    allowed, hidden = pair
    machine = Machine(host, made(clients.alice, agent_ids=[allowed])["token"], headers)

    def seen(path: str, field: str = "agent_id") -> set[str]:
        answer = machine("GET", path)
        assert answer.status_code == 200, answer.text
        return {one[field] for one in answer.json}

    assert seen("/api/ai_agents", "id") == {allowed}
    for path in (LOGS, "/api/ai_agent_configurations", "/api/ai_agent_credentials"):
        assert seen(path) == {allowed}
    usage = machine("GET", "/api/ai_agent_analytics/usage?by=agent").json["rows"]
    assert [row["name"] for row in usage] == ["Allowed"]
    assert machine("GET", "/api/ai_agent_analytics/summary").json["executions"] == 1
    assert clients.alice.get("/api/ai_agent_analytics/summary").json["executions"] == 2
    assert "Hidden" not in machine("GET", f"{LOGS}/export?format=csv").text
    absent = str(uuid4())
    for method, path, body in [
        ("GET", "/api/ai_agents/{}", None),
        ("PATCH", "/api/ai_agents/{}", {"name": "x"}),
        ("DELETE", "/api/ai_agents/{}", None),
        ("POST", "/api/ai_agents/{}/execute", {"input": "hi"}),
        ("GET", "/api/ai_agents/{}/activity_logs", None),
        ("GET", "/api/ai_agents/{}/performance_metrics", None),
        ("GET", "/api/ai_agents/{}/configuration", None),
        ("PUT", "/api/ai_agents/{}/configuration", {"configuration": {}}),
        ("PUT", "/api/ai_agents/{}/credential", {"provider": "openai", "api_key": "sk-12345678"}),
        ("DELETE", "/api/ai_agents/{}/credential", None),
        ("GET", "/api/ai_agent_analytics/summary?agent_id={}", None),
    ]:
        answers = [machine(method, path.format(id_), body) for id_ in (hidden, absent)]
        assert [answer.status_code for answer in answers] == [404, 404], path
        assert answers[0].text.replace(hidden, "") == answers[1].text.replace(absent, ""), path
    assert machine("POST", f"/api/ai_agents/{allowed}/execute", {"input": "hi"}).status_code == 200
    assert machine("PATCH", f"/api/ai_agents/{allowed}", {"name": "Renamed"}).status_code == 200
    log = clients.alice.get(f"{LOGS}?agent_id=eq.{hidden}&limit=1").json[0]["id"]
    assert machine("GET", f"{LOGS}/{log}").status_code == 404


@pytest.mark.requirement("R12")
def test_a_key_limited_to_agents_does_nothing_to_the_whole_tenant(
    host: Flask, clients: Clients, pair: tuple[str, str]
) -> None:
    """It makes no agent, stores no tenant's provider key, records nothing without an agent, sees only own keys."""
    machine = Machine(host, made(clients.alice, agent_ids=[pair[0]])["token"])
    other = made(clients.alice)["id"]
    assert machine("POST", "/api/ai_agents", {"name": "x", "model_config": OFFLINE}).status_code == 403
    tenants = {"provider": "openai", "api_key": "sk-12345678"}
    assert machine("POST", "/api/ai_agent_credentials", tenants).status_code == 403
    assert machine("POST", LOGS, {"action": "click"}).status_code == 422
    assert machine("POST", LOGS, {"action": "click", "agent_id": pair[1]}).status_code == 422
    assert machine("POST", LOGS, {"action": "click", "agent_id": pair[0]}).status_code == 201
    assert machine("DELETE", f"{KEYS}/{other}").status_code == 404
    assert len(machine("GET", KEYS).json) == 1


def test_a_limited_key_runs_agents_with_the_tenants_provider_key(
    host: Flask, clients: Clients, upstream: Any
) -> None:
    """The stored key of the whole tenant serves the run, though the API key cannot see it."""
    config = {"provider": "openai_compatible", "model": "m", "base_url": upstream.url}
    agent = make_agent(clients.alice, model_config=config)["id"]
    stored = {"provider": "openai_compatible", "base_url": upstream.url, "api_key": "sk-tenant-12345"}
    assert clients.alice.post("/api/ai_agent_credentials", json=stored).status_code == 201
    machine = Machine(host, made(clients.alice, agent_ids=[agent])["token"])
    answer = machine("POST", f"/api/ai_agents/{agent}/execute", {"input": "hi"})
    assert answer.status_code == 200, answer.text
    assert machine("GET", "/api/ai_agent_credentials").json == []


@pytest.mark.requirement("R16")
def test_a_key_mints_nothing_wider_than_itself(host: Flask, clients: Clients, pair: tuple[str, str]) -> None:
    """Role, permissions, agents and expiry of a new key are at most its maker's."""
    allowed, hidden = pair
    soon = (utcnow() + timedelta(hours=1)).isoformat()
    rights = ["manage_keys", "read_agents", "execute_agent"]
    maker = made(clients.alice, permissions=rights, agent_ids=[allowed], expires_at=soon)
    machine = Machine(host, maker["token"])
    fits = {"name": "x", "expires_at": soon}
    for body, status in [
        ({"role": "super_admin"}, 403),
        ({"permissions": ["read_agents", "delete_agent"]}, 403),
        ({"permissions": ["report_usage"]}, 403),
        ({"agent_ids": [hidden]}, 422),
        ({"agent_ids": [allowed, hidden]}, 422),
        ({"agent_ids": [str(uuid4())]}, 422),
        ({"expires_at": None}, 403),
        ({"expires_at": (utcnow() + timedelta(hours=2)).isoformat()}, 403),
    ]:
        assert machine("POST", KEYS, fits | body).status_code == status, body
    for body in ({}, {"permissions": None, "agent_ids": None}):
        child = made(machine, **fits | body)
        assert child["permissions"] == sorted(rights)
        assert (child["agent_ids"], child["made_by_key_id"]) == ([allowed], maker["id"])
    narrower = made(machine, **fits | {"permissions": ["read_agents"], "role": "user"})
    assert (narrower["role"], narrower["permissions"]) == ("user", ["read_agents"])
    assert made(machine, **fits | {"role": "user"})["permissions"] == ["execute_agent", "read_agents"]


@pytest.mark.requirement("R16")
def test_an_operators_key_mints_nothing_that_outlives_it(host: Flask, clients: Clients) -> None:
    """Its expiry holds also where it acts for a tenant, to which its own row does not belong."""
    soon = (utcnow() + timedelta(hours=1)).isoformat()
    token = made(clients.root, role="super_admin", expires_at=soon)["token"]
    headers = {"X-API-Key": token, "X-AIAgents-Tenant": "acme"}
    client: Any = host.test_client()
    assert client.post(KEYS, json={"name": "x"}, headers=headers).status_code == 403
    child = client.post(KEYS, json={"name": "x", "expires_at": soon}, headers=headers)
    assert (child.status_code, child.json["tenant_id"]) == (201, "acme")


def test_permissions_must_fit_the_role(clients: Clients) -> None:
    """A permission that no key of the role can have is a 422 which names it, and so is an unknown one."""
    for permissions in (["manage_keys"], ["read_others_activity", "read_agents"], ["fly"], []):
        body = {"name": "x", "role": "user", "user_id": "bob", "permissions": permissions}
        answer = clients.alice.post(KEYS, json=body)
        assert (answer.status_code, list(answer.json["details"])) == (422, ["permissions"])
    wide = {"name": "x", "role": "super_admin", "agent_ids": [str(uuid4())]}
    assert clients.root.post(KEYS, json=wide).status_code == 422


def test_an_admin_gives_a_users_key_the_right_to_report_usage(host: Flask, clients: Clients) -> None:
    """REPORT_USAGE is beyond a user's role, and a key may have it when its maker does."""
    body = {"role": "user", "user_id": "bob"}
    usage = {"action": "execute", "tokens_used": 5, "cost_usd": "0.01"}
    plain = Machine(host, made(clients.alice, **body)["token"])
    granted = Machine(host, made(clients.alice, **body, permissions=["record_activity", "report_usage"])["token"])
    assert plain("POST", LOGS, usage).status_code == 403
    assert granted("POST", LOGS, usage).status_code == 201
