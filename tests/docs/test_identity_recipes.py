"""Every recipe of docs/identity.md, as it stands there: users get in as who they are, and no other site writes."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from blocks import page
from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password
from support.cast import OFFLINE
from support.hosts import close

from flask_aiagents.core.migrate import upgrade

PAGE = page("identity.md").read_text()
RECIPES = dict(re.findall(r"^## ([^\n]+)\n\n```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True, slots=True)
class Login:
    """A user who is logged in: cookies in the client, or headers."""

    client: FlaskClient
    headers: dict[str, str]

    def get(self, path: str) -> Any:
        return self.client.get(path, headers=self.headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self.client.post(path, json=body, headers=self.headers | headers)


def by_form(module: ModuleType, user_id: str) -> Login:
    """The app's own login page."""
    client = module.app.test_client()
    assert client.post(f"/login/{user_id}").status_code == 200
    return Login(client, {})


def by_jwt(module: ModuleType, user_id: str) -> Login:
    """A token of the app's own."""
    client = module.app.test_client()
    return Login(client, {"Authorization": f"Bearer {client.post(f'/login/{user_id}').json['token']}"})


def by_basic(module: ModuleType, user_id: str) -> Login:
    """HTTP Basic."""
    secret = base64.b64encode(f"{user_id}:secret-{user_id}".encode()).decode()
    return Login(module.app.test_client(), {"Authorization": f"Basic {secret}"})


def by_bearer(module: ModuleType, user_id: str) -> Login:
    """A token that the app has in a table."""
    return Login(module.app.test_client(), {"Authorization": f"Bearer token-{user_id}"})


def by_proxy(module: ModuleType, user_id: str) -> Login:
    """The headers of a proxy."""
    groups = "staff,admins" if user_id == "1" else "staff"
    return Login(module.app.test_client(), {"X-Forwarded-User": user_id, "X-Forwarded-Groups": groups})


def _security_login(module: ModuleType, user_id: str, query: str = "") -> tuple[FlaskClient, Any]:
    module.app.config["WTF_CSRF_ENABLED"] = False
    email = f"user-{user_id}@example.org"
    with module.app.app_context():
        module.db.create_all()
        if module.datastore.find_user(email=email) is None:
            roles = [module.datastore.find_or_create_role("admin")] if user_id == "1" else []
            hashed = hash_password("secret word")
            module.datastore.create_user(email=email, password=hashed, tenant_id="acme", roles=roles)
            module.db.session.commit()
    client = module.app.test_client()
    answer = client.post(f"/login{query}", json={"email": email, "password": "secret word"})
    assert answer.status_code == 200, answer.text
    return client, answer.json


def by_security_session(module: ModuleType, user_id: str) -> Login:
    """Flask-Security's login."""
    return Login(_security_login(module, user_id)[0], {})


def by_security_token(module: ModuleType, user_id: str) -> Login:
    """Flask-Security's token, with the cookie of its login beside it."""
    client, answer = _security_login(module, user_id, "?include_auth_token")
    token = answer["response"]["user"]["authentication_token"]
    return Login(client, {"Authentication-Token": token})


WAYS: list[tuple[str, Callable[[ModuleType, str], Login], int]] = [
    ("Flask-Login", by_form, 403),
    ("A session and g.user", by_form, 403),
    ("Flask-JWT-Extended", by_jwt, 201),
    ("Flask-HTTPAuth", by_basic, 403),
    ("Flask-HTTPAuth", by_bearer, 201),
    ("Flask-Security", by_security_session, 403),
    ("Flask-Security", by_security_token, 201),
    ("One tenant only", by_form, 403),
    ("A proxy that logs in", by_proxy, 403),
]
"""A recipe, a way to log in, and the answer to a write without same-origin proof."""


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Runs a recipe in a folder of its own."""
    apps: list[Flask] = []
    monkeypatch.chdir(tmp_path)

    def run(recipe: str) -> ModuleType:
        module = ModuleType("recipe")
        module.__file__ = str(tmp_path / "recipe.py")
        monkeypatch.setitem(sys.modules, "recipe", module)
        exec(compile(RECIPES[recipe], recipe, "exec"), module.__dict__)
        apps.append(module.app)
        with module.app.app_context():
            upgrade(module.app.extensions["aiagents"].database)
        return module

    yield run
    for app in apps:
        close(app)


def test_every_recipe_is_tried() -> None:
    """No recipe of the page stands there untested."""
    assert set(RECIPES) == {recipe for recipe, _, _ in WAYS}


@pytest.mark.requirement("R24")
@pytest.mark.requirement("R49")
@pytest.mark.parametrize(("recipe", "log_in", "unproven"), WAYS)
def test_a_recipe_lets_users_in_as_who_they_are(
    load: Callable[[str], ModuleType],
    recipe: str,
    log_in: Callable[[ModuleType, str], Login],
    unproven: int,
) -> None:
    """Nobody is a 401; an admin and a user have their ids, tenant and rights; a forged write is refused."""
    module = load(recipe)
    assert module.app.test_client().get("/api/ai_agents").status_code == 401
    admin, user = log_in(module, "1"), log_in(module, "2")
    made = user.post("/api/ai_agents", {"name": "Mine", "model_config": OFFLINE}, **SAME_ORIGIN)
    assert (made.status_code, made.json.get("created_by"), made.json.get("tenant_id")) == (201, "2", "acme"), (
        made.text
    )
    assert admin.get("/api/ai_agents").json[0]["id"] == made.json["id"]
    assert [one.get("/api/ai_agent_api_keys").status_code for one in (admin, user)] == [200, 403]
    assert admin.get("/aiagents/agents/").status_code == 200
    forged = user.post("/api/ai_agents", {"name": "Forged", "model_config": OFFLINE})
    assert forged.status_code == unproven, forged.text


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_doctor_is_content_with_a_recipe(load: Callable[[str], ModuleType], recipe: str) -> None:
    """No problem is found in any of them."""
    result = load(recipe).app.test_cli_runner().invoke(args=["aiagents", "doctor"])
    assert result.exit_code == 0, result.output
