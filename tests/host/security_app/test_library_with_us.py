"""What the library's users can do with us."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from library import PASSWORD, create_app
from mounted import with_us
from reading import Visitor
from support.cast import OFFLINE
from support.hosts import close

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The library with us mounted."""
    app = with_us(create_app(f"sqlite:///{tmp_path_factory.mktemp('library')}/library.db"))
    yield app
    close(app)


def add_agent(client: Any, **headers: str) -> Any:
    """Ask for an agent that nobody has yet."""
    body = {"name": uuid4().hex, "model_config": OFFLINE}
    return client.post("/api/ai_agents", json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


@pytest.mark.requirement("R24")
@pytest.mark.requirement("R49")
def test_a_session_needs_proof_and_a_token_none(app: Flask, visitor: Visitor) -> None:
    """Session and remember cookie write from the library's own pages only; its token from anywhere."""
    visitor.log_in()
    assert add_agent(visitor.client).status_code == 403
    assert add_agent(visitor.client, **SAME_ORIGIN).status_code == 201
    visitor.client.delete_cookie("session")
    assert add_agent(visitor.client).status_code == 403
    token = Visitor(app.test_client()).token()
    for client in (app.test_client(), visitor.client):
        assert add_agent(client, **token).status_code == 201
    assert add_agent(visitor.client, Authentication_Token="junk").status_code == 403
    assert add_agent(visitor.client, X_API_Key="junk", **SAME_ORIGIN).status_code == 401


def test_a_user_stays_who_it_is_when_its_password_changes(visitor: Visitor) -> None:
    """Agents belong to the user by an id that no new password replaces."""
    visitor.submit("/register", email="moving@example.org", password=PASSWORD, password_confirm=PASSWORD)
    before = add_agent(visitor.client, **SAME_ORIGIN).json["created_by"]
    fields = {"password": PASSWORD, "new_password": "another word", "new_password_confirm": "another word"}
    visitor.submit("/change", **fields)
    assert add_agent(visitor.client, **SAME_ORIGIN).json["created_by"] == before


def test_roles_of_the_library_decide(app: Flask) -> None:
    """A librarian manages keys, a reader does not, and nobody is led from the panel to the library's login."""
    reader, librarian = Visitor(app.test_client()), Visitor(app.test_client())
    reader.log_in()
    librarian.log_in("librarian")
    answers = [one.client.get("/api/ai_agent_api_keys").status_code for one in (reader, librarian)]
    assert answers == [403, 200]
    assert librarian.client.get("/aiagents/keys/").status_code == 200
    led = app.test_client().get("/aiagents/agents/")
    assert (led.status_code, led.location) == (302, "/login?next=/aiagents/agents/")


@pytest.mark.requirement("R56")
def test_the_doctor_finds_nothing_wrong(app: Flask) -> None:
    """Neither with the callback nor with the library's users."""
    result = app.test_cli_runner().invoke(args=["aiagents", "doctor"])
    assert result.exit_code == 0, result.output
