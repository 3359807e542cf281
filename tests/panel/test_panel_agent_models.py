from __future__ import annotations

from flask import Flask
from support.agent_forms import agents, create, edit, new_form
from support.cast import ALICE
from support.forms import FormReader
from support.hosts import close, make_host
from support.panel import PanelClient

from flask_aiagents.testing import client_as


def test_an_agent_is_saved_without_a_model_and_activated_with_one(alice: PanelClient, host: Flask) -> None:
    """Such an agent is inactive, its page says why, and activating it is refused at the status."""
    assert create(alice, name="Later", provider="", model="").status_code == 302
    (agent,) = agents(client_as(host, ALICE))
    assert (agent["status"], agent["model_config"]) == ("inactive", {})
    assert "This agent has no model" in alice.get(f"/agents/details/?id={agent['id']}").text
    assert "no model" in alice.get("/agents/").text
    refused = edit(alice, agent, status="active")
    assert refused.status_code == 422
    assert "needs a model" in FormReader(refused.text, "/aiagents/agents/edit/").messages["status"]
    assert edit(alice, agent, status="active", provider="offline", model="offline").status_code == 302
    (agent,) = agents(client_as(host, ALICE))
    assert (agent["status"], agent["model_config"]["model"]) == ("active", "offline")


def test_the_form_says_that_labels_switch_nothing_on(alice: PanelClient) -> None:
    """Beside the capabilities, and with a warning on an agent whose model does not keep one."""
    assert "they switch nothing on" in alice.get("/agents/new/").text
    saved = create(alice, name="Seeing", capabilities=["vision"])
    shown = alice.get(saved.headers["Location"].removeprefix("/aiagents")).text
    assert shown.count("Vision is only a label") == 1
    assert "Vision is only a label" not in alice.get("/agents/").text


def test_a_warning_is_shown_once_after_saving_in_the_modal(alice: PanelClient) -> None:
    """The list, to which the modal returns, shows it as a message."""
    create(alice, name="Seeing", capabilities=["vision"], modal="1")
    assert alice.get("/agents/").text.count("Vision is only a label") == 1
    assert "Vision is only a label" not in alice.get("/agents/").text


def test_a_new_form_begins_with_the_default_model(host: Flask) -> None:
    """AIAGENTS_DEFAULT_MODEL is shown in the form of a new agent."""
    app = make_host(host.config["SQLALCHEMY_DATABASE_URI"], AIAGENTS_DEFAULT_MODEL="ollama:llama3.1:8b")
    form = new_form(PanelClient(client_as(app, ALICE)))
    assert (form["provider"], form["model"]) == ("ollama", "llama3.1:8b")
    close(app)
