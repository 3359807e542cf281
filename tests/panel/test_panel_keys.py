from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import ROOT, Clients, make_agent
from support.forms import FormReader
from support.panel import PanelClient

from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.access.models import ApiKey

NEW = {"name": "Shop", "role": "user", "expires": "90"}


def token_of(page: str) -> str:
    """The token in the answer that shows it."""
    found = re.findall(r"aia_[0-9A-Za-z_-]{20,}", page)
    assert len(found) == 1, page
    return found[0]


def make(panel: PanelClient, **fields: str) -> str:
    """A key made in the form; its token."""
    response = panel.post("/keys/new/", NEW | fields)
    assert response.status_code == 201, response.text
    return token_of(response.text)


def names(page: str) -> list[str]:
    return re.findall(r'class="aia-name">([^<]*)<', page)


def opens(host: Flask, token: str) -> bool:
    """Whether the key lets a machine in."""
    return host.test_client().get("/api/ai_agents", headers={"X-API-Key": token}).status_code == 200


def keys(clients: Clients) -> dict[str, Any]:
    """Acme's keys by name, as the API tells them."""
    return {key["name"]: key for key in clients.alice.get("/api/ai_agent_api_keys").json}


def test_a_token_is_shown_this_once(host: Flask, alice: PanelClient) -> None:
    """The answer to the form has it, once and for no cache; no page and no cookie has it afterwards."""
    response = alice.post("/keys/new/", NEW)
    token = token_of(response.text)
    assert response.status_code == 201
    assert response.headers["Cache-Control"] == "no-store"
    assert token not in str(response.headers)
    assert opens(host, token)
    for path in ("/keys/", "/keys/?search=Shop", "/keys/new/", "/activity/", "/dashboard/", "/agents/"):
        later = alice.get(path)
        assert token not in later.text + str(later.headers)
    cookie = alice.http.get_cookie("session")
    assert cookie is None or token.split("_")[-1] not in cookie.value


def test_a_key_is_made_in_the_modal(host: Flask, alice: PanelClient) -> None:
    """The modal's form sends to itself, tells what is wrong in place, and then shows the token in place."""
    form = alice.get("/keys/new/?modal=1", headers={"HX-Request": "true"}).text
    assert "<html" not in form
    assert 'hx-post="/aiagents/keys/new/?modal=1"' in form
    wrong = alice.htmx("/keys/new/?modal=1", NEW | {"name": ""})
    assert wrong.status_code == 422
    assert "<html" not in wrong.text
    made = alice.htmx("/keys/new/?modal=1", FormReader(form, "/aiagents/keys/new/").data(name="Till"))
    assert made.status_code == 201
    assert "<html" not in made.text
    assert opens(host, token_of(made.text))


@pytest.mark.parametrize("name", ["", "x" * 256])
def test_what_is_wrong_is_said_beside_the_field(clients: Clients, alice: PanelClient, name: str) -> None:
    """With status 422 and everything that was chosen; no key is made."""
    response = alice.post("/keys/new/", {"name": name, "role": "tenant_admin", "expires": "365"})
    form = FormReader(response.text, "/aiagents/keys/new/")
    assert response.status_code == 422
    assert form.messages["name"]
    assert (form["role"], form["expires"]) == ("tenant_admin", "365")
    assert form["name"] == name
    assert keys(clients) == {}


def test_r28_nul_is_left_out(clients: Clients, alice: PanelClient) -> None:
    """As in every form of the panel."""
    make(alice, name="a\x00b")
    assert list(keys(clients)) == ["ab"]


def test_a_role_that_is_none_is_refused(clients: Clients, alice: PanelClient) -> None:
    """As the schema says it."""
    response = alice.post("/keys/new/", NEW | {"role": "emperor"})
    assert response.status_code == 422
    assert FormReader(response.text, "/aiagents/keys/new/").messages["role"]
    assert keys(clients) == {}


def test_r16_a_wider_role_is_neither_offered_nor_taken(
    clients: Clients, alice: PanelClient, root: PanelClient
) -> None:
    """A tenant's admin gives no more than its own rights; who forges more is told."""
    assert offered(alice) == ["user", "tenant_admin"]
    assert offered(root) == ["super_admin"]
    assert "choose the tenant" in root.get("/keys/new/").text
    tenantless = root.post("/keys/new/", NEW)
    assert tenantless.status_code == 422
    assert "belongs to a tenant" in FormReader(tenantless.text, "/aiagents/keys/new/").messages["role"]
    forged = alice.post("/keys/new/", NEW | {"role": "super_admin"})
    assert forged.status_code == 422
    assert "cannot make a key for a super_admin" in forged.text
    assert FormReader(forged.text, "/aiagents/keys/new/")["name"] == "Shop"
    assert keys(clients) == {}


def offered(panel: PanelClient) -> list[str]:
    """The roles that the form offers."""
    select = re.search(r'<select[^>]*name="role".*?</select>', panel.get("/keys/new/").text, re.DOTALL)
    assert select
    return re.findall(r'value="([^"]+)"', select[0])


def test_an_operator_in_a_tenant_makes_that_tenants_keys(
    host: Flask, clients: Clients, panel: Callable[..., PanelClient]
) -> None:
    """Its widest role there is the tenant's admin, and the key stays in the tenant."""
    root = panel(ROOT)
    root.post("/tenant/", {"tenant": "acme"})
    assert offered(root) == ["user", "tenant_admin"]
    token = make(root, name="By root", role="tenant_admin")
    assert keys(clients)["By root"]["tenant_id"] == "acme"
    assert opens(host, token)


@pytest.mark.parametrize(("expires", "days"), [("30", 30), ("90", 90), ("365", 365), ("", None)])
def test_a_key_ends_when_it_was_said(clients: Clients, alice: PanelClient, expires: str, days: int | None) -> None:
    """In as many days, or never."""
    make(alice, expires=expires)
    end = keys(clients)["Shop"]["expires_at"]
    if days is None:
        assert end is None
    else:
        left = datetime.fromisoformat(end) - utcnow()
        assert abs(left - timedelta(days=days)) < timedelta(minutes=1)


def test_a_key_ends_in_90_days_when_nothing_was_chosen(alice: PanelClient) -> None:
    """The form begins with an end and with the narrowest role."""
    form = FormReader(alice.get("/keys/new/").text, "/aiagents/keys/new/")
    assert (form["expires"], form["role"]) == ("90", "user")


def test_a_forged_end_is_refused(clients: Clients, alice: PanelClient) -> None:
    """Days that the form does not offer make no key that never ends."""
    response = alice.post("/keys/new/", NEW | {"expires": "99999999999"})
    assert response.status_code == 422
    assert keys(clients) == {}


@pytest.fixture
def three(host: Flask, alice: PanelClient) -> dict[str, str]:
    """An active, an expired and a revoked key; their tokens."""
    tokens = {name: make(alice, name=name) for name in ("Active", "Expired", "Revoked")}
    past = sa.update(ApiKey).where(ApiKey.name == "Expired").values(expires_at=utcnow() - timedelta(days=1))
    with host.app_context(), host.extensions["aiagents"].database.transaction(SYSTEM) as session:
        session.execute(past)
    ids = dict(zip(names(alice.get("/keys/").text), row_ids(alice), strict=True))
    alice.post("/keys/delete/", {"id": ids["Revoked"]})
    return tokens


def row_ids(panel: PanelClient, query: str = "") -> list[str]:
    return re.findall(r'data-id="([^"]+)"', panel.get(f"/keys/?{query}").text)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Revoked", "Expired", "Active"]),
        ("state=active", ["Active"]),
        ("state=expired", ["Expired"]),
        ("state=revoked", ["Revoked"]),
        ("search=EXP", ["Expired"]),
        ("user_id=alice", ["Revoked", "Expired", "Active"]),
        ("user_id=bob", []),
        ("sort=0", ["Active", "Expired", "Revoked"]),
    ],
)
@pytest.mark.usefixtures("three")
def test_the_list_is_filtered_by_state(alice: PanelClient, query: str, found: list[str]) -> None:
    """And each row says its state in a word."""
    page = alice.get(f"/keys/?{query}").text
    assert names(page) == found
    for name in found:
        assert re.search(rf">{name}<.*?aia-badge[^>]*>{name.lower()}<", page, re.DOTALL)


def test_only_an_active_key_works(host: Flask, three: dict[str, str]) -> None:
    """Expired and revoked ones open nothing."""
    assert {name: opens(host, token) for name, token in three.items()} == {
        "Active": True,
        "Expired": False,
        "Revoked": False,
    }


def test_revoking_in_bulk(host: Flask, alice: PanelClient) -> None:
    """The ticked keys open nothing any more, the others do; it says how many."""
    tokens = {name: make(alice, name=name) for name in ("A", "B", "C")}
    ids = dict(zip(names(alice.get("/keys/").text), row_ids(alice), strict=True))
    alice.post("/keys/action/", {"action": "revoke", "rowid": [ids["A"], ids["B"]]})
    assert "2 keys revoked." in alice.get("/keys/").text
    assert {name: opens(host, token) for name, token in tokens.items()} == {"A": False, "B": False, "C": True}


def test_a_revoked_key_has_no_button(three: dict[str, str], alice: PanelClient) -> None:
    """What ended needs no end."""
    page = alice.get("/keys/?state=revoked").text
    assert "/keys/delete/" not in page
    assert "/keys/delete/" in alice.get("/keys/?state=active").text


def test_r14_a_stranger_cannot_revoke(
    host: Flask, three: dict[str, str], alice: PanelClient, charlie: PanelClient
) -> None:
    """Another tenant's key is absent, singly and in bulk."""
    id_ = row_ids(alice, "state=active")[0]
    assert names(charlie.get("/keys/").text) == []
    assert charlie.post("/keys/delete/", {"id": id_}).status_code == 404
    charlie.post("/keys/action/", {"action": "revoke", "rowid": [id_]})
    assert "There is no API key" in charlie.get("/keys/").text
    assert opens(host, three["Active"])


def test_a_user_has_no_keys_page(bob: PanelClient, clients: Clients) -> None:
    """Neither in the menu nor by its address, nor by a forged form."""
    assert "/aiagents/keys/" not in bob.get("/agents/").text
    for path in ("/keys/", "/keys/new/"):
        assert bob.get(path).status_code == 403
    assert bob.post("/keys/new/", NEW).status_code == 403
    assert keys(clients) == {}


def test_the_operator_sees_whose_a_key_is(alice: PanelClient, charlie: PanelClient, root: PanelClient) -> None:
    """All tenants' keys, each with its tenant."""
    make(alice, name="Acme's")
    make(charlie, name="Globex's")
    page = root.get("/keys/").text
    assert names(page) == ["Globex&#39;s", "Acme&#39;s"]
    assert re.findall(r'aia-tag">(\w+)<', page) == ["globex", "acme"]


def test_no_keys_yet(alice: PanelClient) -> None:
    """The empty list says what a key is for; a filter that finds none says so."""
    assert "No API keys yet" in alice.get("/keys/").text
    assert "No entry fits these filters." in alice.get("/keys/?state=revoked").text


def test_a_key_is_limited_in_the_form(clients: Clients, alice: PanelClient) -> None:
    """Ticked permissions and named agents become its limits, which the list shows in words."""
    agent = make_agent(clients.alice)["id"]
    page = alice.get("/keys/new/").text
    assert "Run agents" in page
    assert "Erase a tenant" not in page
    data = {"name": "Till", "role": "user", "expires": "", "permissions": ["read_agents", "execute_agent"]}
    assert alice.post("/keys/new/", data | {"agents": f" {agent}\n\n"}).status_code == 201
    key = clients.alice.get("/api/ai_agent_api_keys").json[0]
    assert (key["permissions"], key["agent_ids"]) == (["execute_agent", "read_agents"], [agent])
    assert "2 permissions, 1 agent" in alice.get("/keys/").text
    assert alice.post("/keys/new/", data | {"name": "All", "permissions": []}).status_code == 201
    assert clients.alice.get("/api/ai_agent_api_keys").json[0]["permissions"] is None


def test_wrong_limits_are_said_beside_their_fields(alice: PanelClient) -> None:
    """A permission beyond the role, and what is no agent."""
    data = {"name": "Till", "role": "user", "expires": "", "permissions": ["manage_keys"]}
    refused = alice.post("/keys/new/", data)
    assert (refused.status_code, "choose a wider role" in refused.text) == (422, True)
    for agents, words in (("nonsense", "Not a valid UUID"), (str(uuid4()), "There is no agent")):
        refused = alice.post("/keys/new/", data | {"permissions": [], "agents": agents})
        assert (refused.status_code, words in refused.text) == (422, True)
