from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from support.cast import ROOT, Clients, make_agent
from support.forms import FormReader
from support.panel import PanelClient

NEW = "/aiagents/configurations/new/"
EDIT = "/aiagents/configurations/edit/"


def stored(client: Any, **headers: str) -> list[dict[str, Any]]:
    """The overrides that somebody sees, by the API."""
    return client.get("/api/ai_agent_configurations", headers=headers).json


def override(clients: Clients, agent: dict[str, Any], **configuration: Any) -> str:
    """Overrides made over HTTP; their id."""
    body = {"configuration": configuration or {"temperature": 0.5}, "is_active": True}
    response = clients.alice.put(f"/api/ai_agents/{agent['id']}/configuration", json=body)
    assert response.status_code in (200, 201), response.text
    return max(row["id"] for row in stored(clients.alice))


def names(page: str) -> list[str]:
    return [unescape(name) for name in re.findall(r'class="aia-name"[^>]*>([^<]*)<', page)]


def test_overrides_are_made_in_the_form(clients: Clients, alice: PanelClient) -> None:
    """The agent is chosen by name; the list then shows what differs, in words."""
    agent = make_agent(clients.alice, "Desk")
    page = alice.get(f"/configurations/new/?agent_id={agent['id']}").text
    form = FormReader(page, NEW)
    assert (form["agent_id"], "is_active" in form.fields) == (agent["id"], True)
    response = alice.post("/configurations/new/", form.data(configuration='{"temperature": 0.2}'))
    assert response.status_code == 302
    (row,) = stored(clients.alice)
    assert (row["configuration"], row["is_active"]) == ({"temperature": 0.2}, True)
    listed = alice.get("/configurations/").text
    assert names(listed) == ["Desk"]
    assert ">temperature<" in listed
    assert ">active<" in listed


def test_a_shared_agent_is_overridden_for_the_tenant_alone(clients: Clients, alice: PanelClient) -> None:
    """Another tenant runs it as before."""
    agent = make_agent(clients.root, "Everybody's")
    alice.post("/configurations/new/", {"agent_id": agent["id"], "configuration": '{"temperature": 1}'})
    assert [row["tenant_id"] for row in stored(clients.alice)] == ["acme"]
    assert stored(clients.charlie) == []


def test_the_modal_keeps_what_was_typed(clients: Clients, alice: PanelClient) -> None:
    """A mistake is told in place; what is right sends the page on."""
    agent = make_agent(clients.alice)
    data = {"agent_id": agent["id"], "configuration": '{"temperature": ', "is_active": "y"}
    wrong = alice.htmx("/configurations/new/?modal=1", data)
    assert wrong.status_code == 422
    assert "<html" not in wrong.text
    form = FormReader(wrong.text, NEW)
    assert (form["configuration"], form["agent_id"]) == ('{"temperature": ', agent["id"])
    right = alice.htmx("/configurations/new/?modal=1", data | {"configuration": "{}"})
    assert (right.status_code, right.headers["HX-Redirect"]) == (204, "/aiagents/configurations/")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "This is not JSON: see line 1"),
        ('{\n"a": x}', "see line 2"),
        ("[" * 3000, "not JSON"),
        ('{"temperature": NaN}', "not JSON"),
        ('{"temperature": 1e999}', "not JSON"),
        ('{"system_prompt": "\\u0000"}', "not JSON that can be stored"),
        ('{"system_prompt": "\\ud800"}', "not JSON that can be stored"),
        ('{"temperature": 99}', "2"),
        ('{"temprature": 1}', "temperature"),
        ("[]", "Not a valid mapping type."),
        ("null", "null"),
        ('{"base_url": "http://169.254.169.254/"}', "public https:// URL"),
    ],
)
@pytest.mark.parametrize("page", ["new", "edit"])
def test_what_is_wrong_is_said_beside_the_text(
    clients: Clients, alice: PanelClient, page: str, text: str, message: str
) -> None:
    """With status 422 and the text as it was typed; nothing is stored."""
    agent = make_agent(clients.alice)
    path = f"/configurations/edit/?id={override(clients, agent)}" if page == "edit" else "/configurations/new/"
    before = stored(clients.alice)
    response = alice.post(path, {"agent_id": agent["id"], "configuration": text, "is_active": "y"})
    form = FormReader(response.text, EDIT if page == "edit" else NEW)
    assert response.status_code == 422
    assert message in form.messages["configuration"], form.messages
    assert form["configuration"] == text
    assert stored(clients.alice) == before


@pytest.mark.parametrize("agent_id", ["", "x", "00000000-0000-0000-0000-000000000000"])
def test_an_agent_must_be_chosen(alice: PanelClient, agent_id: str) -> None:
    """One that is there; else the form says so, with what was typed."""
    response = alice.post("/configurations/new/", {"agent_id": agent_id, "configuration": '{"top_p": 1}'})
    assert response.status_code == 422
    assert FormReader(response.text, NEW)["configuration"] == '{"top_p": 1}'
    assert "Choose an agent." in response.text or "There is no agent" in response.text


def test_overrides_are_edited(clients: Clients, alice: PanelClient) -> None:
    """The form begins with what is stored and what runs now; saving changes it, switching off stays."""
    agent = make_agent(clients.alice, "Desk")
    id_ = override(clients, agent, temperature=0.5, max_tokens=77)
    page = alice.get(f"/configurations/edit/?id={id_}").text
    form = FormReader(page, EDIT)
    assert '"max_tokens": 77' in form["configuration"]
    assert "Configuration of Desk" in page
    data = form.data(configuration='{"temperature": 0.9}', is_active=None, csrf_token=None)
    assert alice.post(f"/configurations/edit/?id={id_}", data).status_code == 302
    (row,) = stored(clients.alice)
    assert (row["configuration"], row["is_active"]) == ({"temperature": 0.9}, False)
    assert "Saved." in alice.get("/configurations/").text


def test_the_form_says_what_runs_now(clients: Clients, alice: PanelClient) -> None:
    """The agent's own settings with the overrides over them, which are marked."""
    agent = make_agent(
        clients.alice, model_config={"provider": "offline", "model": "offline", "top_p": 0.25, "temperature": 0.1}
    )
    page = alice.get(f"/configurations/edit/?id={override(clients, agent, temperature=0.75)}").text
    found = dict(re.findall(r"<dt><code>(\w+)</code></dt><dd>([^<]*)</dd>", page))
    assert (found["top_p"], found["temperature"], found["model"]) == ("0.25", "0.75", "offline")
    assert re.findall(r'class="aia-differs"><dt><code>(\w+)<', page) == ["temperature"]


def test_bulk_actions(clients: Clients, alice: PanelClient) -> None:
    """Switched off, on, and deleted: the ticked ones, and it says how many."""
    agents = [make_agent(clients.alice, name) for name in ("A", "B", "C")]
    ids = [override(clients, agent, top_p=0.5) for agent in agents]
    for action, active in (("deactivate", [False, False, True]), ("activate", [True, True, True])):
        alice.post("/configurations/action/", {"action": action, "rowid": ids[:2]})
        assert "2 configurations changed." in alice.get("/configurations/").text
        rows = {row["id"]: row for row in stored(clients.alice)}
        assert [rows[id_]["is_active"] for id_ in ids] == active
        assert all(row["configuration"] == {"top_p": 0.5} for row in rows.values())
    alice.post("/configurations/action/", {"action": "delete", "rowid": ids[:2]})
    assert "2 configurations deleted." in alice.get("/configurations/").text
    assert [row["id"] for row in stored(clients.alice)] == ids[2:]


def test_one_is_deleted_from_its_form(clients: Clients, alice: PanelClient) -> None:
    """And the agent runs as it is."""
    id_ = override(clients, make_agent(clients.alice))
    assert alice.post("/configurations/delete/", {"id": id_}).status_code == 302
    assert stored(clients.alice) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("is_active=true", ["A"]),
        ("is_active=false", ["B"]),
        ("agent_id={B}", ["B"]),
        ("tenant_id=globex", ["B", "A"]),
    ],
)
def test_filters(clients: Clients, alice: PanelClient, query: str, found: list[str]) -> None:
    """Each narrows the list; the tenant's is the operator's alone."""
    agents = {name: make_agent(clients.alice, name) for name in ("A", "B")}
    ids = {name: override(clients, agent) for name, agent in agents.items()}
    alice.post("/configurations/action/", {"action": "deactivate", "rowid": [ids["B"]]})
    page = alice.get("/configurations/?" + query.format(B=agents["B"]["id"])).text
    assert names(page) == found


@pytest.mark.parametrize("query", ["agent_id=abc", "is_active=perhaps", "agent_id=%00", "tenant_id=%00"])
def test_nonsense_in_a_filter_is_told(root: PanelClient, query: str) -> None:
    """As a page that says what is wrong."""
    response = root.get(f"/configurations/?{query}")
    assert response.status_code == 400
    assert "aia-empty" in response.text


def test_the_operator_changes_a_tenants_in_that_tenant(clients: Clients, root: PanelClient) -> None:
    """Acting for nobody it sees whose each is; what it saves, switches and deletes stays that tenant's."""
    agent = make_agent(clients.root, "Everybody's")
    id_ = override(clients, agent)
    assert '<span class="aia-tag">acme</span>' in root.get("/configurations/").text
    form = FormReader(root.get(f"/configurations/edit/?id={id_}").text, EDIT)
    data = form.data(configuration='{"temperature": 0.3}', csrf_token=None)
    assert root.post(f"/configurations/edit/?id={id_}", data).status_code == 302
    root.post("/configurations/action/", {"action": "deactivate", "rowid": [id_]})
    (row,) = stored(clients.root)
    assert (row["tenant_id"], row["configuration"], row["is_active"]) == ("acme", {"temperature": 0.3}, False)
    assert stored(clients.alice) == [row]
    root.post("/configurations/delete/", {"id": id_})
    assert stored(clients.root) == []


def test_the_operator_makes_none_for_nobody(clients: Clients, panel: Callable[..., PanelClient]) -> None:
    """Overrides are a tenant's: it is asked to pick one first; then it can."""
    agent = make_agent(clients.root)
    root = panel(ROOT)
    assert "Act for a tenant to make one for it." in root.get("/configurations/").text
    data = {"agent_id": agent["id"], "configuration": "{}", "is_active": "y"}
    assert root.post("/configurations/new/", data).status_code == 422
    root.post("/tenant/", {"tenant": "acme"})
    assert root.post("/configurations/new/", data).status_code == 302
    assert [row["tenant_id"] for row in stored(clients.alice)] == ["acme"]


def test_r14_another_tenants_are_absent(clients: Clients, alice: PanelClient, charlie: PanelClient) -> None:
    """Not listed, not opened, not changed; not even for a shared agent that both see."""
    id_ = override(clients, make_agent(clients.root))
    before = stored(clients.alice)
    assert names(charlie.get("/configurations/").text) == []
    assert charlie.get(f"/configurations/edit/?id={id_}").status_code == 404
    assert charlie.post(f"/configurations/edit/?id={id_}", {"configuration": "{}"}).status_code == 404
    assert charlie.post("/configurations/delete/", {"id": id_}).status_code == 404
    for action in ("activate", "deactivate", "delete"):
        charlie.post("/configurations/action/", {"action": action, "rowid": [id_]})
    assert stored(clients.alice) == before


def test_a_user_reads_and_changes_nothing(clients: Clients, bob: PanelClient) -> None:
    """No buttons; a forged form is refused in words."""
    agent = make_agent(clients.alice, "Desk")
    id_ = override(clients, agent)
    before = stored(clients.alice)
    page = bob.get("/configurations/").text
    assert names(page) == ["Desk"]
    assert "/configurations/edit/" not in page
    assert "/configurations/new/" not in page
    assert "rowid" not in page
    data = {"agent_id": agent["id"], "configuration": "{}", "is_active": ""}
    for path in ("/configurations/new/", f"/configurations/edit/?id={id_}"):
        assert bob.post(path, data).status_code in (403, 422)
    assert bob.post("/configurations/delete/", {"id": id_}).status_code == 403
    for action in ("activate", "deactivate", "delete"):
        bob.post("/configurations/action/", {"action": action, "rowid": [id_]})
    assert "may not write a configuration" in bob.get("/configurations/").text
    assert stored(clients.alice) == before


def test_an_overlay_of_a_deleted_agent_leaves_no_broken_row(clients: Clients, alice: PanelClient) -> None:
    """The list opens after the agent went."""
    agent = make_agent(clients.alice)
    override(clients, agent)
    clients.alice.delete(f"/api/ai_agents/{agent['id']}")
    assert alice.get("/configurations/").status_code == 200


def test_none_yet(alice: PanelClient) -> None:
    """The empty list says what overrides are for."""
    assert "No overrides yet" in alice.get("/configurations/").text
