from __future__ import annotations

from typing import Any

from flask import Flask
from support.agent_forms import actions, agents, create, edit, edit_form
from support.cast import ALICE, OFFLINE, Clients, make_agent
from support.forms import FormReader
from support.hosts import make_host
from support.panel import PanelClient

from flask_aiagents import AIAgents
from flask_aiagents.testing import client_as

KEY = "sk-canary-0123456789"
XSS = "\"><script>alert('x')</script><img src=x onerror=alert(1)>"


def test_an_invalid_form_comes_back_with_messages_then_a_valid_one_is_kept(
    clients: Clients, alice: PanelClient
) -> None:
    """The schema's messages stand beside their fields, what was typed is still there, and nothing was made."""
    wrong: dict[str, Any] = {
        "name": "  ",
        "description": "Kept",
        "provider": "openai",
        "model": "gpt-4o-mini",
        "temperature": "hot",
        "top_p": "1.5",
        "max_tokens": "99999",
        "timeout_s": "601",
        "stop": "END\nSTOP",
        "capabilities": ["chat", "vision"],
        "output_schema": '{"type": ',
        "fallbacks": ["groq", ""],
        "base_url": "http://169.254.169.254/",
    }
    answer = create(alice, **wrong)
    assert answer.status_code == 422
    form = FormReader(answer.text, "/aiagents/agents/new/")
    assert form.messages["name"] == "Give a name that is not blank."
    assert form.messages["temperature"] == "Not a valid number."
    assert form.messages["top_p"].startswith("Must be greater than or equal to 0 and")
    assert form.messages["timeout_s"].startswith("Must be greater than 0 and")
    assert form.messages["output_schema"].startswith("This is not JSON: see line 1")
    assert "https://" in form.messages["base_url"]
    assert form.messages["fallback-1"] == "Missing data for required field."
    for name, value in wrong.items():
        assert form.fields[name][: len(value)] == value if isinstance(value, list) else form[name] == value, name
    assert agents(clients.alice) == []
    fixed = {"name": "Fixed", "temperature": "0.5", "top_p": "", "timeout_s": "9", "fallbacks": ["groq", "llama"]}
    answer = alice.post(
        "/agents/new/", form.data(**fixed, output_schema='{"type": "object"}', base_url="", max_tokens="100")
    )
    assert answer.status_code == 302, answer.text
    (made,) = agents(clients.alice)
    assert made["id"] in answer.headers["Location"]
    assert made["model_config"] == {
        "provider": "openai",
        "model": "gpt-4o-mini",
        "temperature": 0.5,
        "max_tokens": 100,
        "timeout_s": 9,
        "stop": ["END", "STOP"],
        "output_schema": {"type": "object"},
        "fallbacks": [{"provider": "groq", "model": "llama"}],
    }
    assert (made["capabilities"], made["created_by"], made["tenant_id"]) == (["chat", "vision"], "alice", "acme")


def test_a_limit_of_the_model_is_told_beside_its_field(alice: PanelClient) -> None:
    """The bound is shown before, and the schema's word of it after."""
    answer = create(alice, name="Long", provider="openai", model="gpt-4o-mini", max_tokens="99999")
    form = FormReader(answer.text, "/aiagents/agents/new/")
    assert form.messages["max_tokens"] == "gpt-4o-mini writes at most 16384 tokens."
    assert "1 to 16,384, the most that this model writes." in answer.text


def test_a_name_that_is_taken_is_told_beside_the_name(clients: Clients, alice: PanelClient) -> None:
    """And what else was typed stays."""
    make_agent(clients.alice, "Helper")
    form = FormReader(create(alice, name="HELPER", system_prompt="Be\nkind").text, "/aiagents/agents/new/")
    assert form.messages["name"].startswith("Taken already")
    assert (form["name"], form["system_prompt"]) == ("HELPER", "Be\nkind")


def test_a_script_gets_the_form_alone_and_is_sent_on_after_saving(alice: PanelClient) -> None:
    """422 with the fragment to put in place; then 204 with where to go: the list as it was, from the modal."""
    modal = alice.get("/agents/new/?modal=1", headers={"HX-Request": "true"})
    assert "<html" not in modal.text
    form = FormReader(modal.text, "/aiagents/agents/new/")
    refused = alice.htmx("/agents/new/", form.data(name=""))
    assert refused.status_code == 422
    assert "<html" not in refused.text
    assert FormReader(refused.text, "/aiagents/agents/new/").messages["name"]
    saved = alice.htmx("/agents/new/", form.data(name="One", url="/aiagents/agents/?status=active"))
    assert (saved.status_code, saved.headers["HX-Redirect"]) == (204, "/aiagents/agents/?status=active")
    elsewhere = alice.htmx("/agents/new/", form.data(name="Two", url="https://evil.example/"))
    assert elsewhere.headers["HX-Redirect"] == "/aiagents/agents/"
    assert "Two was saved." in alice.get("/agents/").text


def test_opening_and_saving_changes_nothing(clients: Clients, alice: PanelClient) -> None:
    """Every value finds its way into the form and back, and what did not change is not logged."""
    agent = make_agent(
        clients.alice,
        description="Line one\n\n  line <two>",
        agent_type="coder",
        capabilities=["vision", "chat"],
        status="maintenance",
        model_config={
            "provider": "openai",
            "model": "gpt-4o-mini",
            "system_prompt": '\n  Begin & "end"\n</textarea>\n',
            "temperature": 0.123456789,
            "top_p": 1,
            "max_tokens": 12,
            "stop": ["\n\n", "a\\nb", " x "],
            "timeout_s": 0.5,
            "base_url": "https://gateway.example/v1",
            "output_schema": {"type": "object", "properties": {"ä": {"type": "number", "minimum": 1e-7}}},
            "fallbacks": [{"provider": "offline", "model": "offline"}, {"provider": "groq", "model": "x"}],
        },
    )
    assert edit(alice, agent).status_code == 302
    after = clients.alice.get(f"/api/ai_agents/{agent['id']}").json
    assert after == agent
    assert actions(clients.alice, agent["id"]) == ["create"]


def test_blank_settings_are_taken_away(clients: Clients, alice: PanelClient) -> None:
    """A field that is emptied goes back to the provider's own."""
    agent = make_agent(clients.alice, model_config=OFFLINE | {"temperature": 1, "stop": ["x"]})
    edit(alice, agent, temperature=" ", stop="")
    assert clients.alice.get(f"/api/ai_agents/{agent['id']}").json["model_config"] == OFFLINE


def test_a_stale_form_keeps_its_text_and_names_who_was_faster(clients: Clients, alice: PanelClient) -> None:
    """The other's change is not overwritten unseen; saved once more, this form's text is put in its place."""
    agent = make_agent(clients.alice)
    form = edit_form(alice, agent)
    clients.root.patch(f"/api/ai_agents/{agent['id']}", json={"description": "Theirs"})
    late = alice.post(f"/agents/edit/?id={agent['id']}", form.data(description="Mine"))
    assert late.status_code == 422
    assert "was changed meanwhile by root (description)" in late.text
    assert clients.alice.get(f"/api/ai_agents/{agent['id']}").json["description"] == "Theirs"
    again = FormReader(late.text, "/aiagents/agents/edit/")
    assert again["description"] == "Mine"
    assert alice.post(f"/agents/edit/?id={agent['id']}", again.data()).status_code == 302
    assert clients.alice.get(f"/api/ai_agents/{agent['id']}").json["description"] == "Mine"


def test_text_is_inert_wherever_the_form_shows_it(clients: Clients, alice: PanelClient) -> None:
    """Markup in any field comes back as the text it is, in values and in messages."""
    fields = dict.fromkeys(("name", "description", "model", "system_prompt", "stop", "temperature"), XSS)
    fields |= {"base_url": XSS, "output_schema": XSS, "provider": XSS, "agent_type": XSS, "status": XSS}
    answer = create(alice, **fields, capabilities=[XSS], tools=[XSS], fallbacks=[XSS, XSS])
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    form = FormReader(answer.text, "/aiagents/agents/new/")
    for name, value in fields.items():
        assert form[name] == value, name
    assert form.fields["fallbacks"][:2] == [XSS, XSS]
    good = {"name": XSS, "description": XSS, "system_prompt": XSS, "model": XSS, "stop": XSS}
    assert create(alice, **good).status_code == 302
    (agent,) = agents(clients.alice)
    pages = [f"/agents/{page}/?id={agent['id']}" for page in ("edit", "details")] + ["/agents/"]
    for page in pages:
        text = alice.get(page).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "&lt;script&gt;alert" in text


def test_text_that_no_database_takes_is_mended(clients: Clients, alice: PanelClient) -> None:
    """NUL is dropped, as it is from models' text."""
    assert create(alice, name="Nu\x00l", system_prompt="a\x00b", stop="x\x00").status_code == 302
    (agent,) = agents(clients.alice)
    assert (agent["name"], agent["model_config"]["system_prompt"]) == ("Nul", "ab")


def test_models_tools_and_capabilities_are_offered_with_what_they_are(tmp_path: Any) -> None:
    """Context and price beside each model, one line beside each capability and each tool of the host."""
    aiagents = AIAgents()

    @aiagents.tool
    def order_status(order_id: int) -> str:
        """The status of <one> order."""
        return "fine"

    app = make_host(f"sqlite:///{tmp_path}/host.db", aiagents=aiagents, AIAGENTS_CAPABILITIES="poetry")
    alice = PanelClient(client_as(app, ALICE))
    page = alice.get("/agents/new/").text
    assert 'value="gpt-4o-mini" label="openai · reads 128,000 tokens' in page
    assert "$0.15 in, $0.60 out a million tokens" in page
    assert "Makes long texts short" in page
    assert 'value="poetry"' in page
    assert "The status of &lt;one&gt; order." in page
    answer = create(alice, name="Tooled", tools=["order_status"], capabilities=["poetry"])
    assert answer.status_code == 302
    (agent,) = agents(Clients.of(app).alice)
    assert agent["model_config"]["tools"] == ["order_status"]


def test_what_is_not_offered_any_more_stays_until_it_is_unticked(
    host: Flask, clients: Clients, alice: PanelClient
) -> None:
    """A tool that the host dropped is shown as ticked, refused by the schema, and gone when unticked."""
    host.extensions["aiagents"].tools.register(fleeting)
    agent = make_agent(clients.alice, model_config=OFFLINE | {"tools": ["fleeting"]})
    host.extensions["aiagents"].tools._specs.clear()
    form = edit_form(alice, agent)
    assert form.fields["tools"] == ["fleeting"]
    refused = edit(alice, agent)
    assert "No tool &#39;fleeting&#39; is registered" in refused.text
    assert edit(alice, agent, tools=None).status_code == 302
    assert agents(clients.alice)[0]["model_config"] == OFFLINE


def fleeting(word: str) -> str:
    """Here today."""
    return word


def test_how_much_logs_keep_is_set_in_the_form(clients: Clients, alice: PanelClient) -> None:
    """A new agent has 64; what is set is kept by whoever edits other fields; what is out of range is told."""
    assert create(alice, name="Desk").status_code == 302
    (made,) = agents(clients.alice)
    assert made["log_payload_kb"] == 64
    assert edit(alice, made, log_payload_kb="0").status_code == 302
    assert edit(alice, made, description="new").status_code == 302
    (made,) = agents(clients.alice)
    assert (made["log_payload_kb"], made["description"]) == (0, "new")
    answer = edit(alice, made, log_payload_kb="65")
    assert answer.status_code == 422
    assert "64" in FormReader(answer.text, "/aiagents/agents/edit/").messages["log_payload_kb"]
