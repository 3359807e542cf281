from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import ALICE, ROOT, Clients, make_agent
from support.forms import FormReader
from support.hosts import close, make_host
from support.panel import PanelClient

from flask_aiagents.features.credentials.models import Credential
from flask_aiagents.testing import client_as

CANARY = "sk-canary-of-acme-0001"
NEW = {"provider": "openai", "base_url": "", "api_key": CANARY}
FORM = "/aiagents/credentials/new/"


def stored(client: Any) -> list[dict[str, Any]]:
    """The keys that somebody sees, by the API."""
    return client.get("/api/ai_agent_credentials").json


def secrets_of(host: Flask) -> list[Any]:
    """What the table holds, sealed."""
    with host.extensions["aiagents"].database.engine.connect() as connection:
        return list(connection.execute(sa.select(Credential.__table__.c.ciphertext)).scalars())


def test_a_key_is_stored_and_shown_masked_alone(clients: Clients, alice: PanelClient) -> None:
    """The list has its last four characters and where it goes; no page has the whole."""
    response = alice.post("/credentials/new/", NEW)
    assert response.status_code == 302
    page = alice.get("/credentials/").text
    assert "****0001" in page
    assert "https://api.openai.com" in page
    assert "Stored: the key for https://api.openai.com/v1 that ends in ****0001." in page
    texts = [response.text, str(response.headers), page]
    texts += [alice.get(path).text for path in ("/credentials/new/", "/activity/", "/agents/", "/dashboard/")]
    assert CANARY not in "".join(texts)
    assert [(row["masked"], row["tenant_id"]) for row in stored(clients.alice)] == [("****0001", "acme")]


def test_the_modal_sends_the_page_on(alice: PanelClient) -> None:
    """The form stands in the open page, without a page around it."""
    form = alice.get("/credentials/new/?modal=1", headers={"HX-Request": "true"}).text
    assert "<html" not in form
    response = alice.htmx("/credentials/new/?modal=1", FormReader(form, FORM).data(**NEW))
    assert (response.status_code, response.headers["HX-Redirect"]) == (204, "/aiagents/credentials/")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"api_key": ""}, "api_key"),
        ({"api_key": "short"}, "api_key"),
        ({"api_key": "x" * 5000}, "api_key"),
        ({"provider": "nobody"}, "provider"),
        ({"base_url": "http://169.254.169.254/"}, "base_url"),
        ({"base_url": "https://user:pw@example.com/"}, "base_url"),
        ({"base_url": "file:///etc/passwd"}, "base_url"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    clients: Clients, alice: PanelClient, change: dict[str, str], field: str
) -> None:
    """With status 422; the address stays typed, the secret is never sent back."""
    data = NEW | {"base_url": "https://gateway.example/v1"} | change
    response = alice.post("/credentials/new/", data)
    form = FormReader(response.text, FORM)
    assert response.status_code == 422
    assert form.messages[field]
    assert form["base_url"] == data["base_url"]
    assert form["api_key"] == ""
    assert CANARY not in response.text
    assert stored(clients.alice) == []


def test_a_new_key_takes_the_place_of_the_old(host: Flask, clients: Clients, alice: PanelClient) -> None:
    """For the same provider and address; another address has a key of its own."""
    alice.post("/credentials/new/", NEW)
    before = secrets_of(host)
    alice.post("/credentials/new/", NEW | {"api_key": "sk-another-one-0002"})
    assert [row["masked"] for row in stored(clients.alice)] == ["****0002"]
    assert secrets_of(host) != before
    alice.post("/credentials/new/", NEW | {"base_url": "http://127.0.0.1:9/v1"})
    assert {row["origin"] for row in stored(clients.alice)} == {"https://api.openai.com", "http://127.0.0.1:9"}


def test_r6_the_mask_put_back_changes_nothing(host: Flask, clients: Clients, alice: PanelClient) -> None:
    """Who sends what the list shows keeps the key that is stored."""
    alice.post("/credentials/new/", NEW)
    before, rows = secrets_of(host), stored(clients.alice)
    alice.post("/credentials/new/", NEW | {"api_key": "****0001"})
    assert (secrets_of(host), stored(clients.alice)) == (before, rows)


def test_a_key_is_removed(clients: Clients, alice: PanelClient) -> None:
    """And the list is empty again, saying what a key is for."""
    alice.post("/credentials/new/", NEW)
    response = alice.post("/credentials/delete/", {"id": stored(clients.alice)[0]["id"]})
    assert response.status_code == 302
    assert stored(clients.alice) == []
    page = alice.get("/credentials/").text
    assert "Deleted." in page
    assert "No provider keys yet" in page


def test_an_agents_own_key_is_listed_with_its_agent(clients: Clients, alice: PanelClient) -> None:
    """Which can be opened from here; the tenant's says that it is for all of it."""
    agent = make_agent(clients.alice, "Desk", model_config={"provider": "openai", "model": "gpt-4o-mini"})
    clients.alice.put(f"/api/ai_agents/{agent['id']}/credential", json={"api_key": "sk-of-the-agent-0003"})
    alice.post("/credentials/new/", NEW)
    page = alice.get("/credentials/").text
    assert f'href="/aiagents/agents/details/?id={agent["id"]}">Desk</a>' in page
    assert "the whole tenant" in page
    assert re.findall(r"\*{4}\w+", alice.get("/credentials/?provider=anthropic").text) == []


def test_r14_another_tenants_keys_are_absent(clients: Clients, alice: PanelClient, charlie: PanelClient) -> None:
    """Neither listed nor removed."""
    alice.post("/credentials/new/", NEW)
    id_ = stored(clients.alice)[0]["id"]
    assert "****0001" not in charlie.get("/credentials/").text
    absent = charlie.post("/credentials/delete/", {"id": "00000000-0000-0000-0000-000000000000"})
    foreign = charlie.post("/credentials/delete/", {"id": id_})
    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert heading(foreign.text).replace(id_, "") == heading(absent.text).replace(
        "00000000-0000-0000-0000-000000000000", ""
    )
    assert len(stored(clients.alice)) == 1


def heading(page: str) -> str:
    """What an error's page says."""
    found = re.search(r"<h1>(.*?)</h1>", page)
    assert found
    return found[1]


def test_a_user_has_no_page_of_keys(clients: Clients, alice: PanelClient, bob: PanelClient) -> None:
    """Neither in the menu nor by its address, nor by a forged form."""
    alice.post("/credentials/new/", NEW)
    assert "/aiagents/credentials/" not in bob.get("/agents/").text
    assert bob.get("/credentials/").status_code == 403
    assert bob.get("/credentials/new/").status_code == 403
    assert bob.post("/credentials/new/", NEW).status_code == 403
    assert bob.post("/credentials/delete/", {"id": stored(clients.alice)[0]["id"]}).status_code == 403
    assert len(stored(clients.alice)) == 1


def test_the_operator_stores_a_key_for_a_tenant_that_it_picks(
    clients: Clients, panel: Callable[..., PanelClient]
) -> None:
    """Acting for none there is no button, and a forged form says why; acting for one it is that tenant's."""
    root = panel(ROOT)
    page = root.get("/credentials/").text
    assert FORM not in page
    assert "Act for a tenant to make one for it." in page
    refused = root.post("/credentials/new/", NEW)
    assert refused.status_code == 422
    assert "you act for no tenant" in refused.text
    root.post("/tenant/", {"tenant": "acme"})
    assert root.post("/credentials/new/", NEW).status_code == 302
    assert [row["tenant_id"] for row in stored(clients.alice)] == ["acme"]
    assert '<span class="aia-tag">acme</span>' in panel(ROOT).get("/credentials/").text


def test_without_an_encryption_key_the_page_says_how_to_set_one(tmp_path: Path) -> None:
    """No button; a forged form is answered with the same, not with an error of ours."""
    app = make_host(f"sqlite:///{tmp_path}/host.db", AIAGENTS_ENCRYPTION_KEYS="")
    alice = PanelClient(client_as(app, ALICE))
    page = alice.get("/credentials/").text
    assert "AIAGENTS_ENCRYPTION_KEYS" in page
    assert "openssl rand -base64 32" in page
    assert FORM not in page
    for response in (alice.post("/credentials/new/", NEW), alice.htmx("/credentials/new/?modal=1", NEW)):
        assert response.status_code == 422
        assert "AIAGENTS_ENCRYPTION_KEYS" in response.text
        assert CANARY not in response.text
    assert stored(Clients.of(app).alice) == []
    close(app)


def test_what_was_typed_is_trimmed(clients: Clients, alice: PanelClient) -> None:
    """A pasted key with a line's end is the key."""
    alice.post("/credentials/new/", NEW | {"api_key": f"  {CANARY}\r\n"})
    assert [row["masked"] for row in stored(clients.alice)] == ["****0001"]
