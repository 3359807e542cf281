from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from blinker import NamedSignal
from flask import Flask
from flask_login import LoginManager, user_logged_in, user_logged_out
from support.cast import ALICE, BOB, ROOT, Clients, make_agent
from support.hosts import close, make_host
from support.panel import SAME_ORIGIN, PanelClient, csrf_of

from flask_aiagents import AIAgents, Principal, Role
from flask_aiagents.testing import client_as

NAMES = {"acme": "Acme Outdoor", "globex": "Globex Books", "alice": "Alice A."}


@pytest.fixture
def named(tmp_path: Path) -> Any:
    """A host that gives names to tenants and users."""
    aiagents = AIAgents(
        list_tenants=lambda: [("acme", "Acme Outdoor"), ("globex", "Globex Books")],
        labels=lambda kind, ids: {id_: NAMES[id_] for id_ in ids if id_ in NAMES},
    )
    app = make_host(f"sqlite:///{tmp_path}/named.db", aiagents=aiagents)
    yield app
    close(app)


def test_the_host_gives_names(named: Flask) -> None:
    """With callbacks people and tenants have names, also where many are asked for at once."""
    make_agent(Clients.of(named).alice, "Desk")
    page = client_as(named, ROOT).get("/aiagents/agents/").text
    assert "Acme Outdoor" in page
    assert "Alice A." in client_as(named, ALICE).get("/aiagents/agents/").text


def test_without_callbacks_ids_are_shown(clients: Clients, root: PanelClient) -> None:
    """A host need not name anybody."""
    make_agent(clients.alice, "Desk")
    assert 'class="aia-tag">acme<' in root.get("/agents/").text


def test_the_operator_acts_for_a_tenant(named: Flask) -> None:
    """What it picked holds on every page, narrows what it sees and is what it creates in; and it can go back."""
    clients = Clients.of(named)
    make_agent(clients.alice, "Acme's own")
    make_agent(clients.charlie, "Globex's own")
    root = PanelClient(client_as(named, ROOT))
    assert "Globex Books" in root.get("/tenant/?q=glo").text
    assert root.post("/tenant/", {"tenant": "globex"}).status_code == 302
    page = root.get("/agents/").text
    assert "Acting for Globex Books" in page
    assert "Globex&#39;s own" in page
    assert "Acme&#39;s own" not in page
    root.post("/tenant/", {"tenant": ""})
    assert "Acme&#39;s own" in root.get("/agents/").text


def test_nobody_else_picks_a_tenant(alice: PanelClient, bob: PanelClient) -> None:
    """Neither the page nor the choice is a tenant's."""
    for person in (alice, bob):
        assert person.get("/tenant/").status_code == 403
        assert person.post("/tenant/", {"tenant": "globex"}).status_code == 403


def test_a_picked_tenant_means_nothing_to_who_is_no_operator(host: Flask, clients: Clients) -> None:
    """A session that was the operator's shows a tenant's user its own tenant only."""
    make_agent(clients.charlie, "Globex's own")
    http = client_as(host, ROOT)
    PanelClient(http).post("/tenant/", {"tenant": "globex"})
    later = client_as(host, BOB)
    later._cookies = http._cookies  # the same browser, whose session goes on
    assert "Globex" not in PanelClient(later).get("/agents/").text


def test_a_picked_tenant_is_the_choice_of_one_person(host: Flask) -> None:
    """Another super admin at the same browser starts with all tenants."""
    http = client_as(host, ROOT)
    PanelClient(http).post("/tenant/", {"tenant": "globex"})
    assert "Acting for globex" in PanelClient(http).get("/agents/").text
    later = client_as(host, Principal("another", None, Role.SUPER_ADMIN))
    later._cookies = http._cookies
    assert "Acting for all tenants" in PanelClient(later).get("/agents/").text


@pytest.mark.parametrize("signal", [user_logged_out, user_logged_in])
def test_a_picked_tenant_ends_with_the_login(host: Flask, signal: NamedSignal) -> None:
    """Flask-Login's login and logout both start again with all tenants, for the same person too."""

    @host.post("/switch")
    def switch() -> str:
        signal.send(host, user=None)
        return ""

    http = client_as(host, ROOT)
    PanelClient(http).post("/tenant/", {"tenant": "globex"})
    http.post("/switch")
    assert "Acting for all tenants" in PanelClient(http).get("/agents/").text


def test_an_overlong_tenant_is_refused(root: PanelClient) -> None:
    """With a message, and nothing is kept."""
    assert root.post("/tenant/", {"tenant": "x" * 500}).status_code == 422
    assert "Acting for all tenants" in root.get("/agents/").text


def test_without_any_login_the_panel_says_so(host: Flask) -> None:
    """A host without Flask-Login and without AIAGENTS_LOGIN_URL: 401, and no page of ours."""
    response = client_as(host, None).get("/aiagents/agents/")
    assert response.status_code == 401
    assert "<nav" not in response.text


def test_a_login_of_the_hosts_own(tmp_path: Path) -> None:
    """AIAGENTS_LOGIN_URL is where nobody goes, with the way back."""
    app = make_host(f"sqlite:///{tmp_path}/x.db", AIAGENTS_LOGIN_URL="/enter?theme=dark")
    response = client_as(app, None).get("/aiagents/agents/?status=active")
    assert response.headers["Location"] == "/enter?theme=dark&next=%2Faiagents%2Fagents%2F%3Fstatus%3Dactive"
    close(app)


def test_flask_logins_login_view(tmp_path: Path) -> None:
    """With Flask-Login the host's login view is asked, with the way back."""
    app = make_host(f"sqlite:///{tmp_path}/x.db")
    manager = LoginManager(app)
    manager.login_view = "enter"  # pyright: ignore[reportAttributeAccessIssue]
    manager.user_loader(lambda _: None)
    app.add_url_rule("/enter", "enter", lambda: "in")
    response = client_as(app, None).get("/aiagents/agents/?page=2")
    assert response.headers["Location"] == "/enter?next=%2Faiagents%2Fagents%2F%3Fpage%3D2"
    close(app)


def test_a_write_of_who_was_logged_out_keeps_the_page_open(host: Flask, clients: Clients) -> None:
    """The script is told with a notice; nothing is redirected away from under a form."""
    make_agent(clients.alice)
    headers = SAME_ORIGIN | {"HX-Request": "true"}
    response = client_as(host, None).post("/aiagents/agents/action/", data={"action": "delete"}, headers=headers)
    assert response.status_code == 401
    assert "aia-toast" in response.text
    assert "nothing is lost" in response.text


def test_the_policy_decides_over_pages(tmp_path: Path) -> None:
    """A host's policy that takes reading away takes the page and its menu entry away."""
    from flask_aiagents import Policy, Role
    from flask_aiagents.features.access.policy import Permission

    class NoFigures(Policy):
        grants: ClassVar = {**Policy.grants, Role.USER: Policy.grants[Role.USER] - {Permission.READ_ANALYTICS}}

    app = make_host(f"sqlite:///{tmp_path}/x.db", aiagents=AIAgents(policy=NoFigures()))
    bob = PanelClient(client_as(app, BOB))
    assert bob.get("/dashboard/").status_code == 403
    assert "/aiagents/dashboard/" not in bob.get("/agents/").text
    close(app)


def test_no_panel_where_none_is_wanted(tmp_path: Path) -> None:
    """An empty AIAGENTS_ADMIN_URL mounts none."""
    app = make_host(f"sqlite:///{tmp_path}/x.db", AIAGENTS_ADMIN_URL="")
    assert not [rule for rule in app.url_map.iter_rules() if "panel" in rule.endpoint]
    close(app)


def test_an_error_of_ours_is_a_page_with_an_id(
    host: Flask, panel: Callable[[Principal], PanelClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables that are missing say what to run, and nothing of the database is shown."""
    from flask_aiagents.core.migrate import downgrade

    with host.app_context():
        downgrade(host.extensions["aiagents"].database, "base")
    response = panel(ALICE).get("/agents/")
    assert response.status_code == 500
    assert "flask aiagents db upgrade" in response.text
    assert "sqlite" not in response.text.lower()


def test_the_token_outlives_other_pages(clients: Clients, alice: PanelClient) -> None:
    """Two open pages of one session both work."""
    agent = make_agent(clients.alice)
    first = csrf_of(alice.get("/agents/").text)
    alice.get("/agents/")
    data = {"csrf_token": first, "action": "deactivate", "rowid": agent["id"]}
    assert alice.http.post("/aiagents/agents/action/", data=data, headers=SAME_ORIGIN).status_code == 302


def test_a_host_without_sessions_can_be_read(tmp_path: Path) -> None:
    """Without a SECRET_KEY pages are shown, and a write says what is missing."""
    app = make_host(f"sqlite:///{tmp_path}/x.db", SECRET_KEY=None)
    http = client_as(app, ALICE)
    assert http.get("/aiagents/agents/").status_code == 200
    response = http.post("/aiagents/agents/action/", data={"action": "delete"}, headers=SAME_ORIGIN)
    assert response.status_code == 500
    assert "SECRET_KEY" in response.text
    close(app)


@pytest.mark.parametrize("path", ["/aiagents/assets/icon.svg", "/api/docs/assets/swagger-ui.css"])
def test_an_asset_that_did_not_change_leaves_no_file_open(
    host: Flask, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """The answer 304 has no body, so nothing would close the file that it was made of."""
    client: Any = host.test_client()
    with client.get(path) as whole:
        etag = whole.headers["ETag"]
    seen: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)  # what warns of a file that was left open
    answer = client.get(path, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.data) == (304, b"")
    del answer
    gc.collect()
    assert seen == []
