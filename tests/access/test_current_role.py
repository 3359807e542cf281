from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from support.cast import Clients, make_agent
from support.hosts import close, make_host
from support.keys import KEYS, Machine, made, works

from flask_aiagents import AIAgents, ConfigurationError, Role

Users = dict[tuple[str, str | None], Role | str]


@pytest.fixture
def users() -> Users:
    """The host's users and their roles, now."""
    return {
        ("alice", "acme"): Role.TENANT_ADMIN,
        ("bob", "acme"): Role.USER,
        ("root", None): "super_admin",
    }


@pytest.fixture
def app(users: Users, tmp_path: Path) -> Iterator[Flask]:
    """A host that tells the present role of its users, and is asked at each request."""
    aiagents = AIAgents(current_role=lambda user_id, tenant_id: users.get((user_id, tenant_id)))
    app = make_host(f"sqlite:///{tmp_path}/host.db", aiagents=aiagents, AIAGENTS_ROLE_CACHE_S=0)
    yield app
    close(app)


@pytest.mark.requirement("R50")
def test_a_key_of_a_deleted_user_is_refused(app: Flask, users: Users) -> None:
    """It ends with its user, in every tenant and for operators too, and works again when the user is back."""
    clients = Clients.of(app)
    keys = {
        ("bob", "acme"): made(clients.alice, role="user", user_id="bob"),
        ("alice", "acme"): made(clients.alice),
        ("root", None): made(clients.root, role="super_admin"),
    }
    for who, key in keys.items():
        assert works(app, key)
        role = users.pop(who)
        assert not works(app, key)
        users[who] = role
        assert works(app, key)


@pytest.mark.requirement("R50")
def test_a_key_of_a_demoted_user_is_lowered(app: Flask, users: Users) -> None:
    """It has the rights of its user's present role, of those only what it had, and is never raised."""
    clients = Clients.of(app)
    agent = make_agent(clients.alice)
    wide = Machine(app, made(clients.alice)["token"])
    rights = ["read_agents", "record_activity", "report_usage", "manage_keys"]
    narrow = Machine(app, made(clients.alice, permissions=rights)["token"])
    low = Machine(app, made(clients.alice, role="user", user_id="bob")["token"])
    operator = made(clients.root, role="super_admin")
    assert wide("GET", KEYS).status_code == narrow("GET", KEYS).status_code == 200
    users["alice", "acme"] = Role.USER
    users["bob", "acme"] = Role.TENANT_ADMIN
    users["root", None] = Role.USER
    assert wide("GET", KEYS).status_code == narrow("GET", KEYS).status_code == 403
    assert wide("GET", f"/api/ai_agents/{agent['id']}").status_code == 200
    assert low("GET", KEYS).status_code == 403
    assert not works(app, operator)


def test_a_demoted_users_key_loses_what_its_role_does_not_have(app: Flask, users: Users) -> None:
    """Also REPORT_USAGE, which a key may have beyond its role only when it was made for that role."""
    clients = Clients.of(app)
    access = app.extensions["aiagents"].access
    limits: list[Any] = []
    key = made(clients.alice, permissions=["record_activity", "report_usage"])
    for role in (Role.TENANT_ADMIN, Role.USER):
        users["alice", "acme"] = role
        with app.test_request_context(headers={"X-API-Key": key["token"]}):
            limits.append(access.current().limits.permissions)
    assert limits == [{"record_activity", "report_usage"}, {"record_activity"}]


def test_the_host_is_asked_once_in_a_while(users: Users, tmp_path: Path) -> None:
    """Its answers are kept per user and tenant."""
    asked: list[tuple[str, str | None]] = []

    def current_role(user_id: str, tenant_id: str | None) -> Role | str | None:
        asked.append((user_id, tenant_id))
        return users.get((user_id, tenant_id))

    app = make_host(
        f"sqlite:///{tmp_path}/host.db", aiagents=AIAgents(current_role=current_role), AIAGENTS_ROLE_CACHE_S=600
    )
    clients = Clients.of(app)
    alices, bobs = made(clients.alice), made(clients.alice, role="user", user_id="bob")
    for _ in range(3):
        assert works(app, alices)
        assert works(app, bobs)
    assert asked == [("alice", "acme"), ("bob", "acme")]
    close(app)


@pytest.mark.parametrize("wrong", ["async", "role"])
def test_a_callback_that_cannot_serve_is_refused(wrong: str, tmp_path: Path) -> None:
    """An async one at start; an unknown role is the host's mistake, and no right."""

    async def never(user_id: str, tenant_id: str | None) -> Role | None:
        raise AssertionError

    if wrong == "async":
        with pytest.raises(ConfigurationError, match="async"):
            _mounted(never, tmp_path)  # pyright: ignore[reportArgumentType]  # that is the test
        return
    app = _mounted(lambda user_id, tenant_id: "owner", tmp_path)
    key = made(Clients.of(app).alice)
    assert Machine(app, key["token"])("GET", "/api/ai_agents").status_code == 500
    close(app)


def _mounted(current_role: Callable[[str, str | None], Role | str | None], folder: Path) -> Flask:
    return make_host(f"sqlite:///{folder}/host.db", aiagents=AIAgents(current_role=current_role))
