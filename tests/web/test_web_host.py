from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import flask_smorest
import pytest
import sqlalchemy as sa
from flask import Flask, Response, abort, make_response, url_for
from flask.json.provider import DefaultJSONProvider
from sqlalchemy.exc import OperationalError, TimeoutError
from web_toy import mount_toys, toy_host

from flask_aiagents.config import Settings
from flask_aiagents.web.errors import render


def _is_ours(response: Any, status: int) -> bool:
    assert response.status_code == status, response.text
    return response.is_json and set(response.json) == {"code", "message", "details", "hint"}


def test_the_hosts_error_pages_stay_its_own(client: Any) -> None:
    """Outside of our prefix, and on its routes inside of it, the host answers its errors itself."""
    assert client.get("/nowhere").text == "<h1>the host's 404</h1>"
    assert client.get("/apis").text == "<h1>the host's 404</h1>"
    assert client.get("/api/widgets").text == "<h1>the host's 405</h1>"
    assert client.delete("/api/gadgets/").text == "<h1>the host's 405</h1>"


def test_the_hosts_routes_under_our_prefix_stay_reachable(client: Any) -> None:
    """Its rules win over our catch-all, however wide they are; its redirects are kept."""
    assert client.get("/api/files/a/b").text == "file a/b"
    assert client.get("/api/x/host-page").text == "page of x"
    assert client.get("/api/gadgets").headers["Location"].endswith("/api/gadgets/")
    assert {*client.options("/api/widgets").headers["Allow"].split(", ")} == {"POST", "OPTIONS"}


@pytest.mark.parametrize("rule", ["/<path:page>", "/<section>/<page>", "/api/<path:page>"])
def test_a_wide_rule_of_the_host_still_takes_what_it_took(engine: sa.Engine, rule: str) -> None:
    """A front end's catch-all keeps its pages, and does not answer for the methods of our routes."""
    app = toy_host(engine)
    app.add_url_rule(rule, "wide", lambda **_: "the host's page")
    client = app.test_client()
    assert client.get("/api/anything").text == "the host's page"
    assert client.get("/api/toys").is_json
    refused = client.delete("/api/toys")
    assert _is_ours(refused, 405)
    assert refused.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


CLAIMS = [
    ("/api/toys", "/api/toys"),
    ("/api/toys/", "/api/toys"),
    ("/api/health", "/api/health"),
    ("/api/docs/", "/api/docs/"),
    ("/api/toys/<number>", "/api/toys/1"),
    ("/api/toys/<int:number>", "/api/toys/1"),
    ("/api/toys/<int(min=0):other>", "/api/toys/1"),
]


@pytest.mark.parametrize(("rule", "url"), CLAIMS)
@pytest.mark.parametrize("first", [True, False])
def test_a_route_of_the_host_wins_at_the_same_url(engine: sa.Engine, rule: str, url: str, first: bool) -> None:
    """However its arguments are written, and whether the host adds it before us or after us."""
    app = Flask("some_host")
    app.extensions["aiagents"] = SimpleNamespace(settings=Settings())
    if first:
        app.add_url_rule(rule, "theirs", lambda **_: "the host's")
    mount_toys(app, engine, "/api")
    if not first:
        app.add_url_rule(rule, "theirs", lambda **_: "the host's")
    client = app.test_client()
    assert client.get(url, follow_redirects=True).text == "the host's"
    assert client.get("/api/openapi.json").is_json
    if "toys" in rule:
        assert client.put("/api/toys/1", json={"a": 1}).is_json  # a method that the host does not take stays ours


@pytest.mark.parametrize("rule", ["/api/<path:page>", "/api/<page>", "/api/toys/<uuid:number>", "/<a>/<b>/<c>"])
def test_a_route_of_the_host_that_fits_other_urls_takes_nothing(engine: sa.Engine, rule: str) -> None:
    """A wider rule, and one with arguments of another kind, leaves our URLs to us."""
    app = toy_host(engine)
    app.add_url_rule(rule, "theirs", lambda **_: "the host's")
    client = app.test_client()
    assert client.get("/api/toys").is_json
    assert client.delete("/api/toys/1").status_code == 204


def test_routes_that_the_host_adds_after_a_url_was_built_win_too(engine: sa.Engine) -> None:
    """Building one of our URLs while the app is being set up settles nothing."""
    app = toy_host(engine)
    with app.test_request_context("/"):
        assert url_for("aiagents_toys.list_toys") == "/api/toys"
    app.add_url_rule("/api/toys", "theirs", lambda: "the host's")
    assert app.test_client().get("/api/toys").text == "the host's"
    with app.test_request_context("/"):
        assert url_for("aiagents_toys.list_toys") == "/api/toys"


def test_the_hosts_json_stays_its_own(toys: Flask) -> None:
    """The host's provider writes the host's JSON and none of ours."""

    class Shouting(DefaultJSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return '"LOUD"'

        def loads(self, s: str | bytes, **kwargs: Any) -> Any:
            return "LOUD"

    toys.json = Shouting(toys)
    client = toys.test_client()
    assert client.post("/api/widgets").text.strip() == '"LOUD"'
    ours = client.put("/api/toys/1", data='{"a": 1}', content_type="application/json")
    assert '"sent":{"a":1}' in ours.text
    assert '"code":"not_found"' in client.get("/api/toys/none").text


def test_an_api_of_the_hosts_own_lives_beside_ours(engine: sa.Engine) -> None:
    """A host that uses flask-smorest keeps its document and its errors."""
    app = toy_host(engine)
    app.config.update(API_TITLE="Host", API_VERSION="9", OPENAPI_VERSION="3.0.3")
    theirs = flask_smorest.Blueprint("things", "things", url_prefix="/things")

    @theirs.get("/")
    def things() -> str:
        abort(409)

    api = flask_smorest.Api(app)
    api.register_blueprint(theirs)
    client: Any = app.test_client()
    assert set(client.get("/things/").json) == {"code", "status"}
    assert api.spec is not None
    assert list(api.spec.to_dict()["paths"]) == ["/things/"]
    assert "/things/" not in client.get("/api/openapi.json").json["paths"]


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("prefix", "paths"),
    [
        ("/ours/v1", ["/nothing", "/toys/x", "/toys/1/", "/", "", "/a%00b", "/%ff", "/a%0Ab"]),
        ("/api", ["/toys/x", "/toys/1/", "/docs/x", "/toys/a%00b"]),  # the host has routes under /api, too
    ],
)
def test_unknown_urls_of_ours_are_a_json_404(
    engine: sa.Engine, method: str, prefix: str, paths: list[str]
) -> None:
    """Every method of an unknown URL answers in our form, and no cache or browser keeps or sniffs it."""
    client = toy_host(engine, prefix).test_client()
    for path in paths:
        response = client.open(prefix + path, method=method)
        assert _is_ours(response, 404)
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("method", METHODS)
def test_unknown_urls_are_the_hosts_where_it_has_routes_too(engine: sa.Engine, method: str) -> None:
    """The host answers under a prefix that it shares with us, and below a part of ours that it extends."""
    app = toy_host(engine)
    app.add_url_rule("/api/toys/<int:number>/photo", "photo", lambda number: "photo")
    client = app.test_client()
    for path in (
        "/api/nothing",
        "/api/",
        "/api",
        "/api/a%00b",
        "/api/toyss",
        "/api/toys/1/pictures",
        "/api/toys/x",
    ):
        response = client.open(path, method=method)
        assert response.status_code == 404
        assert response.text == ("" if method == "HEAD" else "<h1>the host's 404</h1>")
    assert client.get("/api/toys/1/photo").text == "photo"
    assert client.get("/api/toys/1").is_json


def test_wrong_methods_are_a_json_405_with_allow(client: Any) -> None:
    """TRACE, too, is told which methods there are; OPTIONS lists them all."""
    for method in ("PATCH", "TRACE", "PROPFIND"):
        response = client.open("/api/toys/1", method=method)
        assert _is_ours(response, 405)
        assert response.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"
    options = client.options("/api/toys/1")
    assert options.status_code == 200
    assert {*options.headers["Allow"].split(", ")} == {"DELETE", "GET", "HEAD", "OPTIONS", "PUT"}
    assert client.head("/api/toys/1").status_code == 200
    assert client.head("/api/toys/1").data == b""


def test_without_a_prefix_the_unmatched_urls_are_the_hosts(engine: sa.Engine) -> None:
    """Mounted at the root there is no place of ours for a catch-all."""
    client = toy_host(engine, "").test_client()
    assert client.get("/toys").is_json
    assert client.get("/nowhere").text == "<h1>the host's 404</h1>"


def test_each_http_error_of_our_routes_is_ours(toys: Flask) -> None:
    """Whatever a hook of the host aborts with on our routes is told as JSON, with its status."""
    codes = iter([400, 401, 403, 404, 405, 409, 413, 418, 429, 500, 503])
    current: list[int] = []
    toys.before_request(lambda: abort(current[-1]))
    client = toys.test_client()
    for code in codes:
        current.append(code)
        assert _is_ours(client.get("/api/toys"), code)
        if code not in (404, 405):
            assert "the host's" in client.get("/api/gadgets/").text


def test_a_response_that_the_host_aborts_with_is_kept(toys: Flask) -> None:
    """abort(response) in a hook is the host's word, on our routes too."""
    toys.before_request(lambda: abort(make_response("closed", 451)))
    response = toys.test_client().get("/api/toys")
    assert (response.status_code, response.text) == (451, "closed")


def test_an_unexpected_error_leaks_nothing_and_is_logged(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The client gets an id; the log has that id with the traceback."""
    with caplog.at_level(logging.ERROR):
        response = client.post("/api/break")
    assert _is_ours(response, 500)
    assert "hunter2" not in response.text
    assert response.json["details"]["error_id"] in caplog.text
    assert "hunter2" in caplog.text


def test_missing_tables_are_told_with_the_command(client: Any, engine: sa.Engine) -> None:
    """Before the migrations have run, the answer says to run them."""
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE toys"))
    response = client.get("/api/toys")
    assert _is_ours(response, 500)
    assert "db upgrade" in response.json["hint"]


def test_a_busy_database_is_a_503_with_retry_after(engine: sa.Engine) -> None:
    """A lock, a refused connection and an empty pool are temporary, and say when to try again."""
    for cause in (
        OperationalError("SELECT 1", {}, Exception("database is locked")),
        OperationalError("SELECT 1", {}, Exception("connection refused at 10.0.0.5")),
        TimeoutError("QueuePool limit reached"),
    ):
        response: Response = render(cause)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "1"
        assert b"10.0.0.5" not in response.data
