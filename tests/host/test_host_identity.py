from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g, request
from flask_login import LoginManager, current_user
from login_host import logged_in, make_login_host
from support.cast import ALICE, OFFLINE
from support.hosts import close, make_host
from werkzeug.local import LocalProxy

from flask_aiagents import AIAgents, ConfigurationError, Permission, Policy, Principal, Role

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


async def _alice() -> Principal | None:
    await asyncio.sleep(0)
    return ALICE if "alice" in request.args else None


class _Asking:
    """A callback that is an object."""

    async def __call__(self) -> Principal | None:
        return await _alice()


@pytest.mark.requirement("R56")
@pytest.mark.parametrize("identity", [_alice, _Asking(), partial(_alice), lambda: _alice()])
def test_an_async_callback_is_awaited(tmp_path: Path, identity: Any) -> None:
    """A coroutine function, an object, a partial and a function that returns a coroutine serve as callbacks."""
    app = make_host(f"sqlite:///{tmp_path}/own.db", aiagents=AIAgents(identity=identity))
    answers = [app.test_client().get("/api/ai_agents" + query) for query in ("", "?alice=eq.1")]
    assert [answer.status_code for answer in answers] == [401, 400]  # there is no column alice
    close(app)


@pytest.mark.requirement("R56")
@pytest.mark.parametrize("identity", [_alice, _Asking(), partial(_alice)])
def test_an_async_callback_is_refused_where_flask_cannot_await_it(
    monkeypatch: pytest.MonkeyPatch, identity: Any
) -> None:
    """Without Flask's async extra the error at start names the extra."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "asgiref" else find(name))
    with pytest.raises(ConfigurationError, match=r"flask\[async\]"):
        AIAgents(identity=identity)


@pytest.mark.parametrize("identity", [lambda: current_user, lambda: LocalProxy(lambda: None), lambda: None])
def test_an_anonymous_user_is_nobody(tmp_path: Path, identity: Any) -> None:
    """Flask-Login's anonymous user and proxies for None are a 401, as None is."""
    app = make_host(f"sqlite:///{tmp_path}/own.db", aiagents=AIAgents(identity=identity))
    LoginManager(app).user_loader(lambda _: None)
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
