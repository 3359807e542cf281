"""R24, R27: what is not sent from an open page changes nothing; what is sent forges no line of a log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from support.cast import make_agent
from support.crawl import crawl, endpoints
from support.live import CAST, Live, live
from support.panel import SAME_ORIGIN, csrf_of
from support.populated import populate
from support.snapshot import snapshot

ELSEWHERE = "https://evil.example"


@pytest.fixture(scope="module")
def live_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A host with something on every page."""
    folder: Path = tmp_path_factory.mktemp("security")
    with live(f"sqlite:///{folder}/live.db") as host:
        yield host


@pytest.fixture(scope="module", autouse=True)
def agents(live_host: Live) -> dict[str, Any]:
    return populate(live_host.app)


@dataclass(frozen=True, slots=True)
class Forgery:
    """A write that no open page of the panel sent."""

    headers: dict[str, str]
    token: str = "own"
    """``own``, ``other`` (of another session), ``none``, or ``address`` (where a link could have it)."""


FORGERIES = {
    "no token": Forgery(SAME_ORIGIN, token="none"),
    "another session's token": Forgery(SAME_ORIGIN, token="other"),
    "a token in the address": Forgery(SAME_ORIGIN, token="address"),
    "from another site": Forgery({"Sec-Fetch-Site": "cross-site"}),
    "from a sister site": Forgery({"Sec-Fetch-Site": "same-site"}),
    "from the address bar": Forgery({"Sec-Fetch-Site": "none"}),
    "from another site in spite of its Origin": Forgery(
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}
    ),
    "from another origin": Forgery({"Origin": ELSEWHERE}),
    "from another port": Forgery({"Origin": "http://localhost:8080"}),
    "from a sandbox": Forgery({"Origin": "null"}),
    "from who does not say": Forgery({}),
    "by a script of another site": Forgery({"Sec-Fetch-Site": "cross-site", "HX-Request": "true"}),
}


def form_of(agents: dict[str, Any]) -> dict[str, Any]:
    """Fields that any form of the panel would act on."""
    agent_id = agents["desk"]["id"]
    return {
        "id": agent_id,
        "rowid": agent_id,
        "agent": agent_id,
        "input": "hi",
        "action": "delete",
        "tenant": "globex",
        "name": "Forged",
        "agent_type": "assistant",
        "status": "inactive",
        "provider": "offline",
        "model": "offline",
        "version": "1",
        "url": "/",
    }


def forge(client: FlaskClient, rule: str, forgery: Forgery, tokens: dict[str, str], form: dict[str, Any]) -> Any:
    token = tokens.get(forgery.token)
    headers = dict(forgery.headers)
    query: dict[str, str] = {"id": form["id"]}
    if forgery.token == "address":
        query["csrf_token"] = tokens["own"]
    elif token:
        form, headers = form | {"csrf_token": token}, headers | {"X-CSRF-Token": token}
    return client.post(rule, query_string=query, data=form, headers=headers)


def token_in(client: FlaskClient, host: Live) -> str:
    return csrf_of(client.get(f"{host.panel}/agents/").text)


@pytest.mark.parametrize("kind", FORGERIES)
def test_r24_forged_posts_are_refused(live_host: Live, agents: dict[str, Any], kind: str) -> None:
    """By every page that takes a POST; and neither the database nor the session is changed."""
    root, other = live_host.session("root"), live_host.session("root")
    tokens = {"own": token_in(root, live_host), "other": token_in(other, live_host)}
    before = snapshot(live_host.app), session_of(root)
    for endpoint, rule in endpoints(live_host.app, "POST").items():
        response = forge(root, rule, FORGERIES[kind], tokens, form_of(agents))
        assert response.status_code == 403, (endpoint, response.status_code)
    assert (snapshot(live_host.app), session_of(root)) == before


def session_of(client: FlaskClient) -> dict[str, Any]:
    with client.session_transaction() as session:
        return dict(session)


def test_r24_the_same_post_from_an_open_page_is_heard(live_host: Live, agents: dict[str, Any]) -> None:
    """What was refused above was refused because it was forged."""
    alice = live_host.session("alice")
    forgery = Forgery(SAME_ORIGIN)
    response = forge(
        alice,
        f"{live_host.panel}/agents/action/",
        forgery,
        {"own": token_in(alice, live_host)},
        form_of(agents) | {"rowid": agents["writer"]["id"], "action": "activate"},
    )
    assert response.status_code == 302
    assert live_host.clients.alice.get(f"/api/ai_agents/{agents['writer']['id']}").json["status"] == "active"


@pytest.mark.parametrize("name", CAST)
def test_r24_reading_changes_nothing(live_host: Live, agents: dict[str, Any], name: str) -> None:
    """Every page read, and every form sent as an address, leaves rows and session as they were."""
    client = live_host.session(name)
    before = snapshot(live_host.app)
    for one in crawl(live_host.app, client, f"{live_host.panel}/agents/"):
        client.get(one.url)
    query = form_of(agents) | {"csrf_token": token_in(client, live_host)}
    for endpoint, rule in endpoints(live_host.app, "POST").items():
        assert client.get(rule, query_string=query).status_code < 500, endpoint
    assert snapshot(live_host.app) == before
    assert "aiagents_tenant" not in session_of(client)


def test_r24_no_page_shows_a_secret(live_host: Live) -> None:
    """No provider key and no API key is on any page of anybody."""
    for name in CAST:
        for one in crawl(live_host.app, live_host.session(name), f"{live_host.panel}/agents/"):
            assert "sk-canary-1234" not in one.html, one
            assert "aia_" not in one.html.replace("aia_panel", ""), one


def test_r27_no_line_of_a_log_is_forged(
    live_host: Live, agents: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A line break in an address, a form, a header or a name begins no line of what we log."""
    caplog.set_level(logging.DEBUG, "flask_aiagents")
    forged = "x\r\nFORGED\x0b\x85\u2028FORGED"
    make_agent(live_host.clients.alice, f"Agent {forged}")
    alice = live_host.session("alice")
    token = token_in(alice, live_host)
    fields = form_of(agents) | dict.fromkeys(("id", "rowid", "action", "name", "status", "url", "search"), forged)
    for rule in endpoints(live_host.app, "GET").values():
        alice.get(rule, query_string=fields)
    for rule in endpoints(live_host.app, "POST").values():
        alice.post(rule, data=fields | {"csrf_token": token}, headers=SAME_ORIGIN)
        alice.post(rule, data=fields | {"csrf_token": forged}, headers=SAME_ORIGIN)
    lines = [line for record in caplog.records for line in record.getMessage().splitlines()[1:]]
    assert not [line for line in lines if "FORGED" in line]
