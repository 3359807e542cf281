"""Exceptions of the host keep their meaning on our routes, and the host hears of the unexpected ones."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from flask import Flask, abort, got_request_exception, make_response, request
from flask_admin import Admin, BaseView, expose
from flask_admin.theme import Bootstrap4Theme
from flask_jwt_extended import JWTManager, create_access_token, verify_jwt_in_request
from support.cast import ALICE, Clients
from support.hosts import close, make_host
from werkzeug import exceptions as http
from werkzeug.datastructures import WWWAuthenticate

from flask_aiagents import AIAgents, AIAgentsError, Policy, Principal

pytestmark = pytest.mark.requirement("R56")

PATHS = ("/api/ai_agents", "/aiagents/agents/")
"""A route and a page of the panel."""


class NotOnDuty(Exception):
    """An exception of the host's own, for which it has a handler."""


class PaymentDue(http.HTTPException):
    """The same as an HTTP error."""

    code = 402


class Teapot(AIAgentsError, http.ImATeapot):
    """A host's error in our tree."""


Mount = Callable[..., Flask]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Makes a host with an identity callback."""
    apps: list[Flask] = []

    def make(identity: Callable[[], Any], policy: Policy | None = None, **config: Any) -> Flask:
        aiagents = AIAgents(identity=identity, policy=policy)
        apps.append(make_host(f"sqlite:///{tmp_path}/host{len(apps)}.db", aiagents=aiagents, **config))
        _register_handlers(apps[-1])
        return apps[-1]

    yield make
    for app in apps:
        close(app)


def _register_handlers(app: Flask) -> None:
    app.register_error_handler(NotOnDuty, lambda error: (f"not on duty: {error}", 423, {"X-Host": "yes"}))
    app.register_error_handler(PaymentDue, lambda _: {"due": 5})
    app.register_error_handler(LookupError, lambda _: ("unknown badge", 401))
    for general in (Exception, 404, 418, 500):
        app.register_error_handler(general, lambda _: ("<h1>the host's page</h1>", 500))


def raising(error: Exception) -> Callable[[], Any]:
    """A callback of the host that fails."""

    def identity() -> None:
        raise error

    return identity


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (NotOnDuty("alice"), 423, "not on duty: alice"),
        (PaymentDue(), 200, '{"due":5}\n'),
        (KeyError("badge"), 401, "unknown badge"),
    ],
)
def test_the_hosts_handler_answers_for_its_callback(
    mount: Mount, path: str, error: Exception, status: int, text: str
) -> None:
    """What the callback raises gets the answer of the host's handler for it or for a class above it."""
    response = mount(raising(error)).test_client().get(path)
    assert (response.status_code, response.text) == (status, text)
    assert response.headers.get("X-Host") == ("yes" if status == 423 else None)


def test_the_hosts_handler_answers_for_its_hooks(mount: Mount) -> None:
    """So it does for what a before_request hook of the host raises on our routes."""
    app = mount(lambda: ALICE)

    @app.before_request
    def badge() -> None:
        if "badge" not in request.args:
            raise NotOnDuty("no badge")

    assert app.test_client().get("/api/ai_agents").status_code == 423
    assert app.test_client().get("/api/ai_agents?badge=1").status_code == 400  # ours: no such column


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 429, 503])
def test_an_http_error_of_the_callback_keeps_its_status(mount: Mount, path: str, status: int) -> None:
    """abort() in the callback is answered with its status in our form, whatever pages the host has."""
    response: Any = mount(lambda: abort(status)).test_client().get(path)
    assert response.status_code == status
    assert "the host's page" not in response.text
    if path.startswith("/api"):
        assert set(response.json) == {"code", "message", "details", "hint"}


def test_headers_and_responses_of_the_callback_are_kept(mount: Mount) -> None:
    """A challenge goes to the client, and abort(response) is an answer."""
    challenge = http.Unauthorized(www_authenticate=WWWAuthenticate("basic", {"realm": "the host"}))
    response = mount(raising(challenge)).test_client().get("/api/ai_agents")
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Basic realm="the host"')
    closed = mount(lambda: abort(make_response("closed", 451))).test_client()
    for path in PATHS:
        assert (closed.get(path).status_code, closed.get(path).text) == (451, "closed")


def _by_token() -> Principal | None:
    return ALICE if verify_jwt_in_request(optional=True) else None


@pytest.mark.parametrize("path", PATHS)
def test_flask_jwt_extended_answers_for_its_tokens(mount: Mount, path: str) -> None:
    """Its 401 for an expired and its 422 for a broken token are its own; a good token lets in."""
    app = mount(_by_token, JWT_SECRET_KEY="x" * 32, JWT_ACCESS_TOKEN_EXPIRES=False)
    JWTManager(app)
    client: Any = app.test_client()
    with app.app_context():
        tokens = [
            create_access_token("alice"),
            create_access_token("alice", expires_delta=timedelta(seconds=-10)),
            "x.y.z",
        ]
    answers = [client.get(path, headers={"Authorization": f"Bearer {token}"}) for token in tokens]
    assert [answer.status_code for answer in answers] == [200, 401, 422]
    assert answers[1].json == {"msg": "Token has expired"}
    assert set(answers[2].json) == {"msg"}
    assert client.get("/api/ai_agents").status_code == 401


class Broken(Policy):
    """A policy with a mistake in it."""

    error: ClassVar[Exception] = RuntimeError("hunter2\nFORGED LINE")

    def allows(self, *args: Any, **options: Any) -> bool:
        raise type(self.error)(*self.error.args)


class Failing(Broken):
    """A policy that raises an error of our tree."""

    error = AIAgentsError("Contract ended.")


class Brewing(Broken):
    """A policy that raises an error of our tree with a status."""

    error = Teapot("Tea only.")


class Lost(Broken):
    """A policy that raises what the host has a handler for."""

    error = LookupError("hunter2")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("policy", [Broken(), Lost()])
def test_unexpected_exceptions_reach_the_hosts_logger_and_signal(
    mount: Mount, path: str, policy: Broken, caplog: pytest.LogCaptureFixture
) -> None:
    """The host hears once of each, with its traceback, under the id that the client is shown and nothing else."""
    app = mount(lambda: ALICE, policy)
    heard: list[Exception] = []

    def hear(sender: Flask, exception: Exception, **_: Any) -> None:
        assert sender is app
        heard.append(exception)

    with got_request_exception.connected_to(hear, app), caplog.at_level(logging.ERROR):
        response: Any = Clients.of(app).alice.get(path)
    assert response.status_code == 500
    assert "hunter2" not in response.text
    assert [type(error) for error in heard] == [type(policy.error)]
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.name == app.logger.name
    error_id = record.getMessage().rpartition(" ")[2]
    assert error_id in response.text
    assert error_id in heard[0].__notes__[-1]
    assert "hunter2" in caplog.text
    assert "\nFORGED LINE" not in caplog.text


@pytest.mark.parametrize(
    ("policy", "status", "code"), [(Failing(), 500, "internal_error"), (Brewing(), 418, "internal_error")]
)
def test_a_host_may_raise_errors_of_our_tree(mount: Mount, policy: Broken, status: int, code: str) -> None:
    """The root of the tree and what a host derives of it answer with their message and their status."""
    clients = Clients.of(mount(lambda: ALICE, policy))
    response = clients.alice.get("/api/ai_agents")
    assert (response.status_code, response.json["code"]) == (status, code)
    assert response.json["message"] == policy.error.args[0]
    page = clients.alice.get("/aiagents/agents/")
    assert (page.status_code, policy.error.args[0] in page.text) == (status, True)


def test_a_hosts_own_handler_finds_the_code(mount: Mount) -> None:
    """In a route of the host its handler for our errors reads code, message and hint."""
    app = mount(lambda: ALICE)
    app.register_error_handler(AIAgentsError, lambda error: (f"{error.code} {error}", 400))
    app.add_url_rule("/mine", "mine", raising(AIAgentsError("Contract ended.", hint="Call sales.")))
    assert app.test_client().get("/mine").text == "500 Contract ended. Call sales."


def test_a_broken_callback_spoils_no_page_of_the_hosts_admin(tmp_path: Path) -> None:
    """The host's own admin pages show their menu without us where nobody can be identified."""

    class Shelf(BaseView):
        @expose("/")
        def index(self) -> str:
            return self.render("admin/base.html")

    def admin(app: Flask) -> Admin:
        own = Admin(app, theme=Bootstrap4Theme())
        own.add_view(Shelf(name="Shelf"))
        return own

    app = make_host(
        f"sqlite:///{tmp_path}/host.db", aiagents=AIAgents(identity=raising(RuntimeError("x"))), admin=admin
    )
    response = app.test_client().get("/admin/shelf/")
    assert (response.status_code, "Shelf" in response.text, "AI agents" in response.text) == (200, True, False)
    close(app)
