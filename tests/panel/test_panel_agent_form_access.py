from __future__ import annotations

from uuid import uuid4

from support.agent_forms import agents, create, edit, edit_form, new_form, stored_keys
from support.cast import OFFLINE, Clients, make_agent
from support.panel import PanelClient

KEY = "sk-canary-0123456789"


def test_a_tenant_configures_a_shared_agent_and_cannot_change_it(clients: Clients, alice: PanelClient) -> None:
    """Its form has only the tenant's key and overrides, and more than these is refused when it is sent."""
    shared = make_agent(clients.root, "Shared", model_config={"provider": "openai", "model": "gpt-4o-mini"})
    form = edit_form(alice, shared)
    assert "name" not in form.fields
    assert edit(alice, shared, name="Mine", model="x", provider="groq").status_code == 403
    answer = edit(alice, shared, configuration='{"temperature": 1}', is_active="y", api_key=KEY)
    assert answer.status_code == 302
    after = clients.alice.get(f"/api/ai_agents/{shared['id']}").json
    assert (after["name"], after["version"]) == ("Shared", 1)
    assert clients.alice.get(f"/api/ai_agents/{shared['id']}/configuration").json["effective"]["temperature"] == 1
    assert stored_keys(clients.alice) == ["****6789"]
    assert stored_keys(clients.charlie) == []


def test_the_operator_changes_a_shared_agent_and_its_key(clients: Clients, root: PanelClient) -> None:
    """Acting for no tenant there is no configuration to set; the key is the one for all."""
    assert create(root, name="Everybody's").status_code == 302
    (shared,) = agents(clients.root)
    assert shared["tenant_id"] is None
    assert "all tenants will share this agent" in root.get("/agents/new/").text
    form = edit_form(root, shared)
    assert "configuration" not in form.fields
    assert edit(root, shared, name="Ours", provider="openai", model="m", api_key=KEY).status_code == 302
    assert [agent["name"] for agent in agents(clients.alice)] == ["Ours"]
    assert stored_keys(clients.alice) == []
    assert "that ends in …6789" in root.get(f"/agents/edit/?id={shared['id']}").text


def test_the_operator_changes_a_tenants_agent_in_its_place(clients: Clients, root: PanelClient) -> None:
    """It stays the tenant's, and a key stored for it is the tenant's too."""
    agent = make_agent(clients.alice, model_config={"provider": "openai", "model": "m"})
    assert edit(root, agent, description="By root", api_key=KEY).status_code == 302
    after = clients.alice.get(f"/api/ai_agents/{agent['id']}").json
    assert (after["description"], after["tenant_id"]) == ("By root", "acme")
    assert stored_keys(clients.alice) == ["****6789"]


def test_a_copy_begins_as_its_original_and_belongs_to_who_makes_it(clients: Clients, alice: PanelClient) -> None:
    """A shared agent is copied into the tenant, without the shared one's key; another tenant's cannot be."""
    shared = make_agent(clients.root, "S" * 200, description="Good", model_config=OFFLINE | {"top_p": 0.5})
    form = new_form(alice, f"?copy={shared['id']}")
    assert (len(form["name"]), form["name"][-7:], form["description"]) == (200, " (copy)", "Good")
    assert alice.post("/agents/new/", form.data(name="Copy")).status_code == 302
    copy = next(agent for agent in agents(clients.alice) if agent["name"] == "Copy")
    assert (copy["tenant_id"], copy["created_by"]) == ("acme", "alice")
    assert copy["model_config"] == OFFLINE | {"top_p": 0.5}
    foreign = make_agent(clients.charlie, "Theirs")
    assert alice.get(f"/agents/new/?copy={foreign['id']}").status_code == 404


def test_bob_creates_but_manages_nothing(clients: Clients, bob: PanelClient) -> None:
    """As the policy says: no key and no configuration on his form, refused when sent; editing is a 403."""
    form = new_form(bob)
    assert "api_key" not in form.fields
    assert create(bob, name="Bob's").status_code == 302
    assert create(bob, name="Bob's keyed", api_key=KEY).status_code == 403
    assert [agent["name"] for agent in agents(clients.alice)] == ["Bob's"]
    assert stored_keys(clients.alice) == []
    agent = make_agent(clients.alice)
    page = bob.get(f"/agents/edit/?id={agent['id']}")
    assert page.status_code == 403
    data = new_form(bob).data(name="Hacked", version="1")
    assert bob.post(f"/agents/edit/?id={agent['id']}", data).status_code == 403
    assert bob.post("/agents/test/", data).status_code == 403
    assert clients.alice.get(f"/api/ai_agents/{agent['id']}").json == agent


def test_bob_edits_and_deletes_his_own_agent(clients: Clients, bob: PanelClient) -> None:
    """The buttons stand beside the agents he made and no others."""
    own, other = make_agent(clients.bob, "Bob's"), make_agent(clients.alice, "Alice's")
    page = bob.get("/agents/").text
    assert "Edit Bob" in page
    assert "Edit Alice" not in page
    assert f'name="rowid" value="{own["id"]}"' in page
    assert f'value="{other["id"]}"' not in page
    assert "/agents/delete/" in bob.get(f"/agents/details/?id={own['id']}").text
    assert "/agents/delete/" not in bob.get(f"/agents/details/?id={other['id']}").text
    assert edit(bob, own, description="By bob", status="maintenance").status_code == 302
    after = clients.bob.get(f"/api/ai_agents/{own['id']}").json
    assert (after["description"], after["status"]) == ("By bob", "maintenance")


def test_a_status_that_an_admin_set_is_shown_and_not_offered(clients: Clients, bob: PanelClient) -> None:
    """Its author's form says so, saves the rest, and a status sent all the same is ignored."""
    own = make_agent(clients.bob, "Bob's")
    clients.alice.patch(f"/api/ai_agents/{own['id']}", json={"status": "inactive"})
    assert "status" not in edit_form(bob, own).fields
    assert "An admin set this status" in bob.get(f"/agents/edit/?id={own['id']}").text
    assert edit(bob, own, description="By bob", status="active").status_code == 302
    after = clients.bob.get(f"/api/ai_agents/{own['id']}").json
    assert (after["description"], after["status"]) == ("By bob", "inactive")


def test_another_tenants_agent_is_absent(clients: Clients, charlie: PanelClient) -> None:
    """Reading, changing, copying and testing answer in the same words as for an id that never was."""
    agent_id, absent = make_agent(clients.alice)["id"], str(uuid4())
    data = new_form(charlie).data(name="Hacked")
    for method, path in (
        ("get", "/agents/edit/?id="),
        ("get", "/agents/details/?id="),
        ("get", "/agents/new/?copy="),
        ("post", "/agents/edit/?id="),
        ("post", "/agents/test/?id="),
    ):
        call = charlie.get if method == "get" else lambda path: charlie.post(path, data)
        foreign, missing = call(f"{path}{agent_id}"), call(f"{path}{absent}")
        assert foreign.status_code == missing.status_code == 404, path
        assert ">There is no agent" in foreign.text
    assert charlie.get("/agents/edit/?id=no-id").status_code == 404
    assert clients.alice.get(f"/api/ai_agents/{agent_id}").json["name"] == "Helper"


def test_a_forged_form_changes_nothing(clients: Clients, alice: PanelClient) -> None:
    """Without the token, or from another site."""
    data = new_form(alice).data(name="Forged")
    assert alice.http.post("/aiagents/agents/new/", data=data | {"csrf_token": "x"}).status_code == 403
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert alice.http.post("/aiagents/agents/new/", data=data, headers=cross).status_code == 403
    assert alice.http.get("/aiagents/agents/new/?name=Forged").status_code == 200
    assert agents(clients.alice) == []
