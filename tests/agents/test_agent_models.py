from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from support.cast import ALICE, OFFLINE, Clients, make_agent
from support.hosts import close, make_host

from flask_aiagents import ConfigurationError
from flask_aiagents.testing import client_as


@pytest.fixture
def with_default(host: Flask) -> Iterator[Any]:
    """Alice in an app whose new agents get a model."""
    uri = host.config["SQLALCHEMY_DATABASE_URI"]
    app = make_host(uri, AIAGENTS_DEFAULT_MODEL="offline:demo:1b")
    yield client_as(app, ALICE)
    close(app)


@pytest.mark.parametrize(
    "agent_type", ["cognitive", "predictive", "automation", "analytical", "conversational", "generative"]
)
def test_types_of_the_mission_are_known(clients: Clients, agent_type: str) -> None:
    """An agent of such a type is created, and the panel describes the type."""
    assert make_agent(clients.alice, agent_type=agent_type)["agent_type"] == agent_type
    option = f'value="{agent_type}" data-line="[^"]+" title="[^"]+">{agent_type.capitalize()}<'
    assert re.search(option, clients.alice.get("/aiagents/agents/new/").text)


@pytest.mark.parametrize("fields", [{}, {"model_config": {}}, {"model_config": {"system_prompt": "Be brief."}}])
def test_the_default_model_is_copied_into_an_agent_without_one(with_default: Any, fields: dict[str, Any]) -> None:
    """It is shown in the agent, which is active and runs."""
    made = with_default.post("/api/ai_agents", json={"name": "Plain"} | fields).json
    expected = {"provider": "offline", "model": "demo:1b"} | fields.get("model_config", {})
    assert (made["status"], made["model_config"]) == ("active", expected)
    assert "warnings" not in made
    run = with_default.post(f"/api/ai_agents/{made['id']}/execute", json={"input": "Hi"})
    assert (run.status_code, run.json["model"]) == (200, "demo:1b")


@pytest.mark.parametrize("fields", [{}, {"status": "active"}, {"model_config": {"temperature": 1}}])
def test_an_agent_without_any_model_is_saved_inactive(clients: Clients, fields: dict[str, Any]) -> None:
    """The answer says which model to choose; activating it is refused in every way; with a model it runs."""
    made = clients.alice.post("/api/ai_agents", json={"name": "Plain"} | fields)
    assert (made.status_code, made.json["status"]) == (201, "inactive")
    assert "AIAGENTS_DEFAULT_MODEL" in made.json["warnings"][0]
    url = f"/api/ai_agents/{made.json['id']}"
    for refused in (
        clients.alice.patch(url, json={"status": "active"}),
        clients.alice.put(url, json={"name": "Plain"}),
        clients.alice.put(url, json={"name": "Plain", "status": "active", "model_config": {}}),
    ):
        assert refused.status_code == 422
        assert "needs a model" in refused.json["details"]["status"][0]
    assert clients.alice.post(f"{url}/execute", json={"input": "Hi"}).json["code"] == "not_active"
    ready = clients.alice.patch(url, json={"status": "active", "model_config": OFFLINE})
    assert ready.status_code == 200
    assert "warnings" not in ready.json
    assert clients.alice.post(f"{url}/execute", json={"input": "Hi"}).status_code == 200
    assert clients.alice.patch(url, json={"model_config": {"provider": None, "model": None}}).status_code == 422


def test_an_active_agent_whose_model_is_gone_gives_a_clean_error(host: Flask, clients: Clients) -> None:
    """However it came to be stored so, its run is a 409 that says what to set, and a key needs a provider."""
    agent = make_agent(clients.alice)
    with host.extensions["aiagents"].database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ai_agents SET model_config = '{}'")
    run = clients.alice.post(f"/api/ai_agents/{agent['id']}/execute", json={"input": "Hi"})
    assert (run.status_code, run.json["code"]) == (409, "no_model")
    key = clients.alice.put(f"/api/ai_agents/{agent['id']}/credential", json={"api_key": "sk-0123456789"})
    assert (key.status_code, list(key.json["details"])) == (422, ["provider"])
    for page in ("agents/", f"agents/details/?id={agent['id']}", f"agents/edit/?id={agent['id']}", "playground/"):
        assert clients.alice.get(f"/aiagents/{page}").status_code == 200


@pytest.mark.parametrize("half", [{"provider": "openai"}, {"model": "gpt-4o"}])
def test_half_a_model_is_refused(clients: Clients, half: dict[str, str]) -> None:
    """A provider without a model, or the other way round, is a 422 at the missing one."""
    response = clients.alice.post("/api/ai_agents", json={"name": "Half", "model_config": half})
    assert response.status_code == 422
    ((missing, said),) = response.json["details"]["model_config"].items()
    assert missing not in half
    assert "both" in said[0]


@pytest.mark.parametrize(
    ("value", "said"), [("gpt-4o", "provider"), ("opnai:x", "opnai"), ("openai_compatible:m", "URL")]
)
def test_a_default_model_that_cannot_be_used_stops_the_start(value: str, said: str) -> None:
    """The error names the setting and what is wrong."""
    with pytest.raises(ConfigurationError, match="AIAGENTS_DEFAULT_MODEL") as refused:
        close(make_host("sqlite://", AIAGENTS_DEFAULT_MODEL=value))
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("provider", "model", "capabilities", "warned"),
    [
        ("offline", "offline", ["vision", "tool_use"], ["vision"]),
        ("openai", "gpt-3.5-turbo-instruct", ["vision", "function_calling"], ["vision", "function_calling"]),
        ("openai", "gpt-4-turbo-preview", ["vision", "tool_use"], ["vision"]),
        ("openai", "gpt-4-turbo", ["vision", "tool_use"], []),
        ("openai", "gpt-4o-mini", ["vision", "tool_use"], []),
        ("openai", "gpt-4o-audio-preview", ["vision", "tool_use"], ["vision"]),
        ("openai", "gpt-5-chat-latest", ["vision", "tool_use"], ["tool_use"]),
        ("openai", "gpt-5.4-mini", ["vision", "tool_use"], []),
        ("openai", "o3-mini", ["vision", "tool_use"], ["vision"]),
        ("anthropic", "claude-sonnet-5", ["vision", "tool_use"], []),
        ("groq", "openai/gpt-oss-120b", ["vision", "tool_use"], ["vision"]),
        ("groq", "meta-llama/llama-4-scout-17b-16e-instruct", ["vision", "tool_use"], []),
        ("ollama", "gemma3:1b", ["vision", "tool_use"], ["vision", "tool_use"]),
        ("ollama", "gemma3:4b", ["vision", "tool_use"], ["tool_use"]),
        ("ollama", "qwen3-vl:8b", ["vision", "tool_use"], []),
        ("ollama", "qwen3:8b", ["vision", "tool_use"], ["vision"]),
        ("openai", "of-the-future", ["vision"], []),
        ("anthropic", "claude-2.1", ["tool_use"], ["tool_use"]),
    ],
)
def test_a_label_that_the_model_does_not_keep_gives_a_warning(
    clients: Clients, provider: str, model: str, capabilities: list[str], warned: list[str]
) -> None:
    """The agent is saved as it is; the answer and its page name each such label."""
    config = {"provider": provider, "model": model}
    made = make_agent(clients.alice, model_config=config, capabilities=capabilities)
    assert made["capabilities"] == capabilities
    assert [name for name in capabilities if f"'{name}'" in " ".join(made.get("warnings", []))] == warned
    page = clients.alice.get(f"/aiagents/agents/details/?id={made['id']}").text
    assert page.count("is only a label") == len(warned)
