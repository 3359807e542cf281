"""Hosts that identify alice, each by credentials of another kind."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from flask import Flask, Request, g, jsonify, request, session
from flask.testing import FlaskClient
from flask_jwt_extended import JWTManager, create_access_token, get_jwt, set_access_cookies, verify_jwt_in_request
from flask_login import LoginManager, login_user
from support.cast import ALICE, BOB
from support.hosts import make_host
from support.live import CAST, User

from flask_aiagents import AIAgents, Principal

Make = Callable[[str], Flask]


def user_named(name: str | None) -> User | None:
    """The host's user of this name."""
    return User(CAST[name]) if name in CAST else None


def login_host(uri: str, **config: Any) -> Flask:
    """Flask-Login with sessions, remember cookies, and a header, Basic or REMOTE_USER by ``request_loader``."""
    app = make_host(uri, **config)
    manager = LoginManager(app)
    manager.user_loader(user_named)
    manager.request_loader(_by_request)

    @app.post("/login/<name>")
    def log_in(name: str) -> str:
        login_user(User(CAST[name]), remember="remember" in request.args)
        return "welcome"

    @app.post("/theme")
    def theme() -> str:
        session["theme"] = "dark"
        return "dark it is"

    return app


def _by_request(request: Request) -> User | None:
    given = request.authorization
    if given is not None and given.type == "basic":
        return user_named(given.username) if given.password == "secret" else None
    return user_named(request.headers.get("Authentication-Token") or request.remote_user)


def jwt_host(uri: str, **config: Any) -> Flask:
    """Flask-JWT-Extended with tokens in headers and in cookies."""

    def who() -> Principal | None:
        verify_jwt_in_request(optional=True)
        name = get_jwt().get("sub")
        return CAST[name] if name else None

    config = {"JWT_SECRET_KEY": "x" * 32, "JWT_TOKEN_LOCATION": ["headers", "cookies"]} | config
    app = make_host(uri, aiagents=AIAgents(identity=who), JWT_COOKIE_CSRF_PROTECT=False, **config)
    JWTManager(app)

    @app.post("/login/<name>")
    def log_in(name: str) -> Any:
        token = create_access_token(name)
        response = jsonify(token=token)
        if "cookie" in request.args:
            set_access_cookies(response, token)
        return response

    return app


def hook_host(uri: str, **config: Any) -> Flask:
    """A ``before_request`` hook sets ``g.user`` from the session or from a header."""
    app = make_host(uri, aiagents=AIAgents(identity=lambda: g.user), **config)

    @app.before_request
    def load_user() -> None:
        g.user = user_named(session.get("name") or request.headers.get("Authentication-Token"))

    @app.post("/login/<name>")
    def log_in(name: str) -> str:
        session["name"] = name
        return "welcome"

    return app


def middleware_host(uri: str, key: str = "some.session", **config: Any) -> Flask:
    """WSGI middleware turns the session cookie into a key of the environment, as Beaker's does."""
    app = make_host(uri, aiagents=AIAgents(identity=lambda: user_named(request.environ.get(key))), **config)
    inner = app.wsgi_app

    def with_session(environ: dict[str, Any], start_response: Any) -> Any:
        alice = "sid=alice" in environ.get("HTTP_COOKIE", "")
        return inner(environ | ({key: "alice"} if alice else {}), start_response)

    app.wsgi_app = with_session
    return app


def upper_middleware_host(uri: str, **config: Any) -> Flask:
    """The same with a key that looks like one of the server's."""
    return middleware_host(uri, "SESSION_USER", **config)


def header_middleware_host(uri: str, **config: Any) -> Flask:
    """The same with a key that looks like a header of the request."""
    return middleware_host(uri, "HTTP_X_SESSION_USER", **config)


def basic(name: str) -> dict[str, str]:
    """The header that a browser adds by itself after its own login box."""
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:secret'.encode()).decode()}"}


def logged_in(app: Flask, name: str = "alice", query: str = "") -> FlaskClient:
    """A client with the cookies of the host's login."""
    client = app.test_client()
    assert client.post(f"/login/{name}{query}").status_code == 200
    return client


def remembered(app: Flask) -> FlaskClient:
    """A client that has the remember cookie alone, as after a browser's restart."""
    client = logged_in(app, query="?remember=1")
    client.delete_cookie("session")
    return client


def with_cookie(app: Flask, name: str = "sid", value: str = "alice") -> FlaskClient:
    """A client with one cookie."""
    client = app.test_client()
    client.set_cookie(name, value)
    return client


def with_stray_session(app: Flask) -> FlaskClient:
    """A client with a session of the host in which nobody is logged in."""
    client = app.test_client()
    assert client.post("/theme").status_code == 200
    return client


def bearer(app: Flask, name: str = "alice") -> dict[str, str]:
    """A token of the host's own."""
    answer: Any = app.test_client().post(f"/login/{name}").json
    return {"Authorization": f"Bearer {answer['token']}"}


TOKEN = {"Authentication-Token": ALICE.user_id}
BOBS_TOKEN = {"Authentication-Token": BOB.user_id}
