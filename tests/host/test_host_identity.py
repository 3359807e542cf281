from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g, request
from login_host import logged_in, make_login_host
from support.cast import OFFLINE
from support.hosts import close, make_host

from flask_aiagents import AIAgents, Permission, Policy, Principal, Role

AGENT = {"name": "Mine", "model_config": OFFLINE}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = make_login_host(f"sqlite:///{tmp_path}/login.db")
    yield app
    close(app)


def test_flask_logins_user_is_the_principal(app: Flask) -> None:
    """get_id(), tenant_id and role of the logged-in user decide; nobody logged in is a 401."""
    assert app.test_client().get("/api/ai_agents").status_code == 401
    made = logged_in(app, 1).post("/api/ai_agents", json=AGENT).json
    assert (made["tenant_id"], made["created_by"]) == ("acme", "1")
    assert logged_in(app, 2).get("/api/ai_agents").json[0]["id"] == made["id"]


@pytest.mark.parametrize("number", [3, 4])
def test_an_unknown_role_or_a_missing_tenant_is_denied(app: Flask, number: int) -> None:
    """Whoever the host cannot place gets a 403 that says whom to ask."""
    response = logged_in(app, number).get("/api/ai_agents")
    assert response.status_code == 403
    assert "operator" in response.json["hint"]


def test_r24_a_cookie_from_elsewhere_writes_nothing(app: Flask) -> None:
    """The host's session cookie alone, as another site's form would send it, is refused."""
    client = logged_in(app, 1)
    del client.environ_base["HTTP_SEC_FETCH_SITE"]
    assert client.post("/api/ai_agents", json=AGENT).status_code == 403
    assert client.get("/api/ai_agents").json == []


def test_identity_is_one_callback(tmp_path: Path) -> None:
    """Whatever a host knows its users by, one function makes them principals."""

    def who() -> Principal | None:
        name = request.headers.get("X-Employee")
        return Principal(name, "initech", Role.USER) if name else None

    app = make_host(f"sqlite:///{tmp_path}/own.db", aiagents=AIAgents(identity=who))
    headers = {"X-Employee": "peter", "Origin": "http://localhost"}
    made: Any = app.test_client().post("/api/ai_agents", json=AGENT, headers=headers).json
    assert (made["tenant_id"], made["created_by"]) == ("initech", "peter")
    assert app.test_client().get("/api/ai_agents").status_code == 401
    close(app)


def test_permissions_are_one_policy(tmp_path: Path) -> None:
    """A replaced cell holds on the route and in the service alike."""

    class Generous(Policy):
        grants = {**Policy.grants, Role.USER: Policy.grants[Role.USER] | {Permission.DELETE_AGENT}}  # noqa: RUF012

    aiagents = AIAgents(identity=lambda: g.get("who"), policy=Generous())
    app = make_host(f"sqlite:///{tmp_path}/own.db", aiagents=aiagents)
    system = app.extensions["aiagents"]
    bob = Principal("bob", "acme", Role.USER)
    with app.app_context():
        agent = system.agents.create(AGENT, principal=bob)
        system.agents.delete(agent.id, principal=bob)
        assert system.agents.list(principal=bob).items == []
    close(app)
