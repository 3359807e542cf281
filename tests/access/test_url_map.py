from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support.cast import OFFLINE, Clients, make_agent

PUBLIC = {"/api/openapi.json", "/api/docs", "/api/health", "/api/docs/assets/<path:filename>"}
"""What tells nothing of any tenant."""

BODIES: dict[str, Any] = {
    "/api/ai_agents": {"name": "walked", "model_config": OFFLINE},
    "/api/ai_agents/<uuid:agent_id>": {"name": "walked", "model_config": OFFLINE},
    "/api/ai_agents/<uuid:agent_id>/configuration": {"configuration": {"temperature": 1}},
    "/api/ai_agents/<uuid:agent_id>/credential": {"api_key": "sk-12345678", "provider": "openai"},
    "/api/ai_agents/<uuid:agent_id>/execute": {"input": "hi"},
    "/api/ai_agent_activity_logs": {"action": "walk"},
    "/api/ai_agent_credentials": {"provider": "openai", "api_key": "sk-12345678"},
    "/api/ai_agent_api_keys": {"name": "walked"},
}

FORBIDDEN_TO_USERS = re.compile(
    r"(PUT|PATCH|DELETE) /api/ai_agents/<uuid:agent_id>(/configuration|/credential)?$"
    r"|.* /api/ai_agent_(credentials|api_keys)"
)
"""What the table of roles denies a plain user. The agents are alice's: bob changes those that he made himself."""


def routes(app: Flask) -> list[tuple[str, str]]:
    """Every method of every route of the API; the panel's pages have a walk of their own."""
    rules = [rule for rule in app.url_map.iter_rules() if re.match("aiagents_(?!panel)", rule.endpoint)]
    return sorted(
        (method, rule.rule)
        for rule in rules
        if rule.endpoint != "aiagents_unmatched" and rule.rule not in PUBLIC
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


WALKERS = ("nobody", "charlie", "bob", "alice")


def _body(method: str, rule: str, who: str) -> Any:
    body = BODIES.get(rule) if method in ("POST", "PUT", "PATCH") else None
    return body | {"name": f"{method} by {who}"} if body and "name" in body else body


def _tried(client: FlaskClient, method: str, url: str, body: Any) -> int:
    return client.open(url, method=method, json=body).status_code


@pytest.mark.requirement("R13")
def test_r13_every_route_is_denied_by_default(host: Flask, clients: Clients) -> None:
    """Each route x {anonymous, stranger, user, tenant admin} answers as the table of roles says."""
    found = routes(host)
    assert len(found) > 20
    for method, rule in found:
        ids: dict[str, str] = {"agent_id": make_agent(clients.alice, f"{method} {rule}")["id"]}
        ids["log_id"] = clients.alice.post("/api/ai_agent_activity_logs", json={"action": "x"}).json["id"]
        ids["key_id"] = clients.alice.post("/api/ai_agent_api_keys", json={"name": "x"}).json["id"]
        stored = clients.alice.post("/api/ai_agent_credentials", json=BODIES["/api/ai_agent_credentials"])
        ids["credential_id"] = stored.json["id"]
        clients.alice.put(f"/api/ai_agents/{ids['agent_id']}/configuration", json={"configuration": {}})
        clients.alice.put(f"/api/ai_agents/{ids['agent_id']}/credential", json=BODIES["/api/ai_agent_credentials"])
        url = re.sub(r"<uuid:(\w+)>", lambda match, ids=ids: ids[match[1]], rule)
        status = {who: _tried(getattr(clients, who), method, url, _body(method, rule, who)) for who in WALKERS}
        where = f"{method} {rule}"
        assert status["nobody"] == 401, where
        assert status["charlie"] == (404 if "<" in rule else status["alice"]), where
        forbidden = FORBIDDEN_TO_USERS.match(where) is not None
        # bob's own activity only: alice's log is as if absent for him
        expected = 403 if forbidden else 404 if "log_id" in rule else None
        assert status["bob"] == expected or (expected is None and status["bob"] < 300), where
        assert status["alice"] < 300, where


@pytest.mark.parametrize("path", ["/api/nothing", "/api/ai_agents/not-a-uuid", "/api/ai_agent_runs/1"])
def test_an_unknown_url_answers_in_json(clients: Clients, path: str) -> None:
    """What no route takes is a 404 with code, message, details and hint."""
    response = clients.alice.get(path)
    assert response.status_code == 404
    assert set(response.json) == {"code", "message", "details", "hint"}


def test_a_wrong_method_names_the_right_ones(clients: Clients) -> None:
    """405 carries Allow."""
    response = clients.alice.put("/api/ai_agents", json={})
    assert response.status_code == 405
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))
