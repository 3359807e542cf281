from __future__ import annotations

import json
from typing import Any

import pytest
from support.cast import Clients, make_agent
from support.forms import FormReader
from support.panel import PanelClient
from upstream import Upstream, say, status

STORED = "sk-canary-stored-6789"
TYPED = "sk-canary-typed-4321"


def behind(upstream: Upstream, **more: str) -> dict[str, str]:
    return {"provider": "openai", "model": "gpt-4o-mini", "base_url": upstream.base_url} | more


def press(panel: PanelClient, agent: dict[str, Any] | None, /, **fields: str) -> Any:
    """Press the test button of a form, as its script does."""
    return panel.htmx("/agents/test/" + (f"?id={agent['id']}" if agent else ""), fields)


def sent(upstream: Upstream) -> list[str]:
    return [request.headers["authorization"].removeprefix("Bearer ") for request in upstream.requests]


def test_a_typed_key_is_tested_before_it_is_stored(
    clients: Clients, alice: PanelClient, upstream: Upstream
) -> None:
    """One call with that key; the answer tells how long it took, and nothing is stored."""
    answer = press(alice, None, **behind(upstream, api_key=TYPED))
    assert "It works: gpt-4o-mini of openai answered in" in answer.text
    assert "<html" not in answer.text
    assert sent(upstream) == [TYPED]
    assert clients.alice.get("/api/ai_agent_credentials").json == []
    (log,) = clients.alice.get("/api/ai_agent_activity_logs?action=eq.test").json
    assert (log["user_id"], log["status"]) == ("alice", "success")


def test_the_stored_key_is_tested_and_stays_at_its_origin(
    clients: Clients, alice: PanelClient, upstream: Upstream
) -> None:
    """Another address typed into the form gets no stored key."""
    agent = make_agent(clients.alice, model_config=behind(upstream))
    clients.alice.put(f"/api/ai_agents/{agent['id']}/credential", json={"api_key": STORED})
    assert "It works" in press(alice, agent, **behind(upstream)).text
    with Upstream() as thief:
        answer = press(alice, agent, **behind(thief))
        assert "There is no API key for openai at" in answer.text
        assert thief.requests == []
    assert sent(upstream) == [STORED]
    assert clients.alice.get(f"/api/ai_agents/{agent['id']}").json == agent


def test_a_key_that_is_refused_is_told_in_words_of_ours(alice: PanelClient, upstream: Upstream) -> None:
    """The provider's text, which repeats the key, does not come through."""
    upstream.behave(status(401))
    answer = press(alice, None, **behind(upstream, api_key=TYPED))
    assert "It failed after" in answer.text
    assert "The provider refuses this key" in answer.text
    assert TYPED not in answer.text
    assert "Incorrect API key" not in answer.text


def test_a_model_that_repeats_the_key_is_not_repeated(
    clients: Clients, alice: PanelClient, upstream: Upstream
) -> None:
    """What the address answered is in no page and no log."""
    upstream.behave(say(f"<b>{TYPED}</b>"))
    answer = press(alice, None, **behind(upstream, api_key=TYPED))
    assert "It works" in answer.text
    logged = clients.alice.get("/api/ai_agent_activity_logs").text
    assert TYPED not in answer.text + logged
    assert "<b>" not in answer.text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"base_url": "http://169.254.169.254/v1"}, "base_url: "),
        ({"base_url": "http://[::1]/"}, "base_url: "),
        ({"api_key": "short"}, "api_key: Length must be between 8 and 4096"),
        ({"provider": "<b>x</b>"}, "provider: Unknown provider &lt;b&gt;x&lt;/b&gt;"),
        ({"model": ""}, "model: Missing: provider needs it"),
        ({"api_key": ""}, "There is no API key for openai at https://api.openai.com"),
    ],
)
def test_what_cannot_be_tested_is_told_and_not_sent(
    clients: Clients, alice: PanelClient, fields: dict[str, str], told: str
) -> None:
    """By the same rules as an agent's, beside the button."""
    form = {"provider": "openai", "model": "gpt-4o-mini", "api_key": TYPED} | fields
    answer = press(alice, None, **form)
    assert "Nothing was sent." in answer.text
    assert told in answer.text
    assert clients.alice.get("/api/ai_agent_activity_logs").json == []


def test_without_scripts_the_form_comes_back_with_the_outcome(alice: PanelClient, upstream: Upstream) -> None:
    """Everything typed is there, the key excepted, and nothing is saved."""
    answer = alice.post("/agents/test/", behind(upstream, name="Not yet", api_key=TYPED))
    assert answer.status_code == 200
    form = FormReader(answer.text, "/aiagents/agents/new/")
    assert (form["name"], form["base_url"], form["api_key"]) == ("Not yet", upstream.base_url, "")
    assert "It works" in answer.text
    assert TYPED not in answer.text


def test_the_operator_tests_a_shared_agents_key(
    clients: Clients, root: PanelClient, alice: PanelClient, upstream: Upstream
) -> None:
    """And so may a tenant, with the overrides in its form: where they lead elsewhere, with a key of its own."""
    shared = make_agent(clients.root, "Shared", model_config=behind(upstream))
    clients.root.put(f"/api/ai_agents/{shared['id']}/credential", json={"api_key": STORED})
    assert "It works" in press(root, shared, **behind(upstream)).text
    assert "It works" in press(alice, shared, configuration="", is_active="y").text
    elsewhere = {"base_url": upstream.url + "/v2"}
    answer = press(alice, shared, configuration=json.dumps(elsewhere), is_active="y")
    assert "Nothing was sent. There is no API key for openai at" in answer.text
    assert "It works" in press(alice, shared, configuration=json.dumps(elsewhere)).text
    answer = press(alice, shared, configuration=json.dumps(elsewhere), is_active="y", api_key=TYPED)
    assert "It works" in answer.text
    assert sent(upstream) == [STORED, STORED, STORED, TYPED]
    assert [request.path for request in upstream.requests][-1].startswith("/v2/")
