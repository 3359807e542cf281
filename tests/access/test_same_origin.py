"""Which writes need proof that a page of the host's own sent them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from uuid import uuid4

import pytest
from credential_hosts import (
    BOBS_TOKEN,
    TOKEN,
    Make,
    basic,
    bearer,
    header_middleware_host,
    hook_host,
    jwt_host,
    logged_in,
    login_host,
    middleware_host,
    remembered,
    upper_middleware_host,
    with_cookie,
    with_stray_session,
)
from flask import Flask, g, session
from support.cast import ALICE, OFFLINE
from support.hosts import close

from flask_aiagents.testing import client_as

Case = tuple[Make, Callable[[Flask], Any], Callable[[Flask], dict[str, str]]]
"""A host, its client with or without cookies, and the headers that come along."""


def no_cookie(app: Flask) -> Any:
    return app.test_client()


def jwt_cookie(app: Flask) -> Any:
    return logged_in(app, query="?cookie=1")


def bobs_session(app: Flask) -> Any:
    return logged_in(app, "bob")


BY_BROWSER: dict[str, Case] = {
    "session": (login_host, logged_in, lambda _: {}),
    "remember cookie": (login_host, remembered, lambda _: {}),
    "Basic": (login_host, no_cookie, lambda _: basic("alice")),
    "JWT in a cookie": (jwt_host, jwt_cookie, lambda _: {}),
    "session read by a hook": (hook_host, logged_in, lambda _: {}),
    "session read by middleware": (middleware_host, with_cookie, lambda _: {}),
    "session read into a key like the server's": (upper_middleware_host, with_cookie, lambda _: {}),
    "session beside a junk Bearer": (login_host, logged_in, lambda _: {"Authorization": "Bearer x"}),
    "session beside an unknown scheme": (login_host, logged_in, lambda _: {"Authorization": "Foo aia"}),
    "session beside an empty token": (login_host, logged_in, lambda _: {"Authentication-Token": ""}),
    "session beside junk Basic": (login_host, logged_in, lambda _: basic("nobody")),
    "session of alice beside bob's token": (login_host, logged_in, lambda _: BOBS_TOKEN),
    "session of bob beside alice's token": (login_host, bobs_session, lambda _: TOKEN),
}
"""What a browser may have authenticated without its user's intent."""

BY_PROGRAM: dict[str, Case] = {
    "request_loader": (login_host, no_cookie, lambda _: TOKEN),
    "request_loader beside a stray cookie": (login_host, with_cookie, lambda _: TOKEN),
    "request_loader beside a stray session": (login_host, with_stray_session, lambda _: TOKEN),
    "request_loader beside the same user's session": (login_host, logged_in, lambda _: TOKEN),
    "JWT in a header": (jwt_host, no_cookie, bearer),
    "JWT in a header beside a stray cookie": (jwt_host, with_cookie, bearer),
    "JWT in a header beside the same user's": (jwt_host, jwt_cookie, bearer),
    "token read by a hook": (hook_host, no_cookie, lambda _: TOKEN),
    "token read by a hook beside a stray cookie": (hook_host, with_cookie, lambda _: TOKEN),
}
"""What only a program adds to a request."""


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Flask]]:
    """Makes a host of one kind and configuration, once for all tests."""

    @cache
    def made(kind: Callable[..., Flask], **config: Any) -> Flask:
        apps.append(kind(f"sqlite:///{tmp_path_factory.mktemp('host')}/host.db", **config))
        return apps[-1]

    apps: list[Flask] = []
    yield made
    for app in apps:
        close(app)


@pytest.fixture
def agent() -> dict[str, Any]:
    """An agent that no other test makes."""
    return {"name": uuid4().hex, "model_config": OFFLINE}


def names_of(answer: Any) -> set[str]:
    """The names in a list of agents."""
    assert answer.status_code == 200, answer.text
    return {agent["name"] for agent in answer.json}


@pytest.mark.requirement("R24")
@pytest.mark.requirement("R49")
@pytest.mark.parametrize("kind", BY_BROWSER)
def test_a_write_by_a_browsers_credentials_needs_proof(
    make: Callable[..., Flask], agent: dict[str, Any], kind: str
) -> None:
    """Cookies and Basic write from the host's own pages alone, whatever header comes along; they read anywhere."""
    make_app, client_of, headers_of = BY_BROWSER[kind]
    app = make(make_app)
    client, headers = client_of(app), headers_of(app)
    for origin in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        refused = client.post("/api/ai_agents", json=agent, headers=headers | origin)
        assert (refused.status_code, refused.json["code"]) == (403, "cross_site")
    assert agent["name"] not in names_of(client.get("/api/ai_agents", headers=headers))
    made = client.post("/api/ai_agents", json=agent, headers=headers | {"Sec-Fetch-Site": "same-origin"})
    assert made.status_code == 201


@pytest.mark.requirement("R49")
@pytest.mark.parametrize("kind", BY_PROGRAM)
def test_a_write_by_a_programs_header_needs_no_proof(
    make: Callable[..., Flask], agent: dict[str, Any], kind: str
) -> None:
    """A header that browsers do not add by themselves is enough, with or without a cookie beside it."""
    make_app, client_of, headers_of = BY_PROGRAM[kind]
    app = make(make_app)
    made = client_of(app).post("/api/ai_agents", json=agent, headers=headers_of(app))
    assert (made.status_code, made.json.get("created_by")) == (201, "alice"), made.text


ELSEWHERE = (
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://shop.example"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://shop.example"},
)
"""What browsers say of a page of another site or origin; the last one where the connection is not encrypted."""


@pytest.mark.requirement("R49")
@pytest.mark.parametrize("origin", ELSEWHERE)
@pytest.mark.parametrize("kind", BY_PROGRAM)
def test_a_page_of_another_site_sends_a_header_without_cookies(
    make: Callable[..., Flask], agent: dict[str, Any], kind: str, origin: dict[str, str]
) -> None:
    """A front end elsewhere that sends a token writes, as long as it leaves the host's cookies out."""
    make_app, client_of, headers_of = BY_PROGRAM[kind]
    app = make(make_app)
    client, headers = client_of(app), headers_of(app) | origin
    made = client.post("/api/ai_agents", json=agent, headers=headers)
    with_cookies = client_of is not no_cookie
    assert made.status_code == (403 if with_cookies else 201), made.text
    if with_cookies:
        assert "credentials" in made.json["hint"]
        assert app.test_client().post("/api/ai_agents", json=agent, headers=headers).status_code == 201


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("origin", ELSEWHERE)
def test_a_cookie_that_middleware_turned_into_a_header_needs_proof(
    make: Callable[..., Flask], agent: dict[str, Any], origin: dict[str, str]
) -> None:
    """It looks like a program's header; that the page is another site's tells it apart."""
    client: Any = with_cookie(make(header_middleware_host))
    refused = client.post("/api/ai_agents", json=agent, headers=origin)
    assert (refused.status_code, refused.json["code"]) == (403, "cross_site")
    made = client.post("/api/ai_agents", json=agent, headers={"Sec-Fetch-Site": "same-origin"})
    assert made.status_code == 201


@pytest.mark.requirement("R49")
@pytest.mark.parametrize("origin", ELSEWHERE)
def test_an_api_key_writes_from_any_site(
    make: Callable[..., Flask], agent: dict[str, Any], origin: dict[str, str]
) -> None:
    """With or without the host's cookies beside it."""
    app = make(login_host)
    key: Any = client_as(app, ALICE).post("/api/ai_agent_api_keys", json={"name": "machine"}).json
    made: Any = logged_in(app).post("/api/ai_agents", json=agent, headers=origin | {"X-API-Key": key["token"]})
    assert made.status_code == 201


@pytest.mark.requirement("R49")
@pytest.mark.parametrize("origin", [{}, {"Sec-Fetch-Site": "same-origin"}])
@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "junk"},
        {"X-API-Key": ""},
        {"X-API-Key": "alice"},
        {"Authorization": "Bearer aia_junk"},
        {"Authorization": "Token aia_junk"},
        {"Authorization": "aia_junk"},
        {"X-API-Key": "junk", "Authorization": "Bearer aia_junk"},
    ],
)
def test_an_invalid_key_never_falls_back_to_the_cookie(
    make: Callable[..., Flask], agent: dict[str, Any], headers: dict[str, str], origin: dict[str, str]
) -> None:
    """A key that is none is a 401 beside a login, for reads, writes and the panel alike."""
    client: Any = logged_in(make(login_host))
    assert client.post("/api/ai_agents", json=agent, headers=headers | origin).status_code == 401
    assert client.get("/api/ai_agents", headers=headers | origin).status_code == 401
    assert client.get("/aiagents/agents/", headers=headers | origin).status_code == 401
    assert agent["name"] not in names_of(client.get("/api/ai_agents"))


@pytest.mark.requirement("R49")
def test_a_hosts_own_route_keeps_its_api_keys(make: Callable[..., Flask]) -> None:
    """On a route of the host X-API-Key is the host's, unless it names a key of ours."""
    app = make(login_host, TESTING=False)

    @app.get("/mine")
    def mine() -> str:
        principal = app.extensions["aiagents"].access.current()
        return principal.user_id if principal else "nobody"

    assert logged_in(app).get("/mine", headers={"X-API-Key": "the host's"}).text == "alice"
    assert app.test_client().get("/mine", headers={"X-API-Key": "aia_junk"}).status_code == 401


@pytest.mark.requirement("R24")
def test_a_user_of_the_web_servers_login_needs_proof(make: Callable[..., Flask], agent: dict[str, Any]) -> None:
    """What the web server's own login authenticated, a browser sends by itself."""
    client: Any = make(login_host).test_client()
    client.environ_base["REMOTE_USER"] = "alice"
    assert client.post("/api/ai_agents", json=agent).status_code == 403
    origin = {"Origin": "http://localhost"}
    assert client.post("/api/ai_agents", json=agent, headers=origin).status_code == 201


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("value", [True, "true"])
def test_a_host_may_demand_proof_of_every_login(
    make: Callable[..., Flask], agent: dict[str, Any], value: Any
) -> None:
    """With AIAGENTS_ALWAYS_REQUIRE_SAME_ORIGIN no header but an API key's stands for proof."""
    app = make(login_host, AIAGENTS_ALWAYS_REQUIRE_SAME_ORIGIN=value)
    client: Any = app.test_client()
    assert client.post("/api/ai_agents", json=agent, headers=TOKEN).status_code == 403
    proof = TOKEN | {"Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/ai_agents", json=agent, headers=proof).status_code == 201
    key: Any = client_as(app, ALICE).post("/api/ai_agent_api_keys", json={"name": "machine"}).json
    keyed = client.post(
        "/api/ai_agents", json=agent | {"name": f"{agent['name']} by key"}, headers={"X-API-Key": key["token"]}
    )
    assert keyed.status_code == 201


@pytest.mark.requirement("R24")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:8080"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "http://localhost"}, 201),
    ],
)
def test_proof_is_a_same_origin_header(
    make: Callable[..., Flask], agent: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    """Sec-Fetch-Site decides where it is sent, else Origin."""
    client = logged_in(make(login_host))
    assert client.post("/api/ai_agents", json=agent, headers=headers).status_code == status


@pytest.mark.requirement("R24")
def test_the_second_look_leaves_the_hosts_request_alone(make: Callable[..., Flask], agent: dict[str, Any]) -> None:
    """The host's user, its g and its session are afterwards what they were; the body is still there."""
    app = make(hook_host, TESTING=False)
    seen: list[Any] = []

    @app.after_request
    def look(response: Any) -> Any:
        seen.append((g.user and g.user.id, session.get("name")))
        return response

    client = logged_in(app)
    seen.clear()
    made = client.post("/api/ai_agents", json=agent, headers=TOKEN)
    assert (made.status_code, made.get_json()["name"]) == (201, agent["name"])
    assert seen == [("alice", "alice")]
