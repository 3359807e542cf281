"""A host with a login of its own, served over real HTTP, for tests that need a browser or a real session."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, redirect, request
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin, login_required, login_user, logout_user
from werkzeug.serving import make_server
from werkzeug.wrappers import Response as WerkzeugResponse

from flask_aiagents import Principal

from .cast import ALICE, BOB, CHARLIE, ROOT, Clients
from .hosts import close, make_host

CAST = {principal.user_id: principal for principal in (ALICE, BOB, CHARLIE, ROOT)}

PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Some host</title>'


class User(UserMixin):
    """One of the cast, as a host's user."""

    def __init__(self, principal: Principal) -> None:
        self.id = principal.user_id
        self.tenant_id = principal.tenant_id
        self.role = principal.role.value


def add_login(app: Flask) -> None:
    """A login page with ``next``, a home page, and Flask-Login that knows the cast."""
    manager = LoginManager(app)
    manager.login_view = "log_in"  # pyright: ignore[reportAttributeAccessIssue]
    manager.login_message = None  # pyright: ignore[reportAttributeAccessIssue]
    manager.user_loader(lambda user_id: User(CAST[user_id]) if user_id in CAST else None)

    @app.route("/login", methods=["GET", "POST"])
    def log_in() -> str | WerkzeugResponse:
        if request.method == "GET":
            return (
                f'{PAGE}<form method="post"><label>User <input name="user"></label><button>Log in</button></form>'
            )
        login_user(User(CAST[request.form["user"]]))
        return redirect(request.args.get("next") or "/")

    @app.post("/logout")
    def log_out() -> WerkzeugResponse:
        logout_user()
        return redirect("/login")

    app.add_url_rule("/favicon.ico", "favicon", lambda: ("", 204))

    @app.get("/")
    @login_required
    def home() -> Response:
        return Response(f"{PAGE}<h1>Some host</h1><p>{escape(request.args.get('said', ''))}</p>")


@dataclass(frozen=True, slots=True)
class Live:
    """A served host."""

    app: Flask
    url: str
    clients: Clients
    """The API, as each of the cast; for preparing and for looking at what a browser did."""

    @property
    def panel(self) -> str:
        """The path under which the panel is."""
        rule = next(
            rule for rule in self.app.url_map.iter_rules() if rule.endpoint == "aiagents_panel_agents.index_view"
        )
        return rule.rule.removesuffix("/agents/")

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    def session(self, name: str | None) -> FlaskClient:
        """A client whose cookie the host's login made, as a browser has it; None for nobody."""
        client = self.app.test_client()
        if name is not None:
            assert client.post("/login", data={"user": name}).status_code == 302
        return client

    def cookie(self, name: str) -> str:
        """The value of that cookie."""
        cookie = self.session(name).get_cookie("session")
        assert cookie is not None
        return cookie.value


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve an app on loopback, several requests at a time; yields its URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@contextmanager
def live(database_uri: str, **options: Any) -> Iterator[Live]:
    """A served host with its login, our tables and the panel; options are those of ``make_host``."""
    # Browsers keep the static files, so that a walk over many pages is quick.
    app = make_host(database_uri, SEND_FILE_MAX_AGE_DEFAULT=3600, **options)
    add_login(app)
    with serving(app) as url:
        yield Live(app, url, Clients.of(app))
    close(app)


@pytest.fixture
def live_host(tmp_path: Path) -> Iterator[Live]:
    """A served host on SQLite, empty. A module may have one of its own, for all of its tests."""
    with live(f"sqlite:///{tmp_path}/live.db") as host:
        yield host
