from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from support.cast import ALICE, BOB, CHARLIE, ROOT, Clients, make_agent
from support.hosts import close, make_host
from upstream import Upstream, hang, say, status

from flask_aiagents import Principal, current_aiagents
from flask_aiagents.core.principal import KeyLimits
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.errors import AIAgentsError, Conflict, Forbidden, Invalid, NotFound, RateLimited
from flask_aiagents.features.execution.result import Probed

KEY = "sk-canary-0123456789"
TYPED = "sk-typed-9876543210"


def behind(upstream: Upstream, **more: Any) -> dict[str, Any]:
    return {"provider": "openai", "model": "gpt-4o-mini", "base_url": upstream.base_url} | more


def probe(app: Flask, data: dict[str, Any], principal: Principal = ALICE) -> Probed:
    with app.app_context():
        return current_aiagents.executions.test(data, principal=principal)


def logged_tests(clients: Clients) -> list[dict[str, Any]]:
    return clients.alice.get("/api/ai_agent_activity_logs?action=eq.test").json


def sent(upstream: Upstream) -> list[str]:
    return [request.headers["authorization"].removeprefix("Bearer ") for request in upstream.requests]


def test_a_typed_key_is_tried_with_one_minimal_call(host: Flask, clients: Clients, upstream: Upstream) -> None:
    """One request with that key, few tokens, no tools; the log has the test and its cost, not the answer."""
    upstream.answer(f"OK, you sent {TYPED}")
    probed = probe(host, behind(upstream, api_key=TYPED))
    assert probed.ok
    assert probed.duration_ms >= 0
    assert sent(upstream) == [TYPED]
    assert (
        upstream.requests[0].json[
            "max_tokens" if "max_tokens" in upstream.requests[0].json else "max_completion_tokens"
        ]
        == 16
    )
    assert not upstream.requests[0].json.get("tools")
    (log,) = logged_tests(clients)
    assert (log["status"], log["model"], log["tokens_used"]) == ("success", "gpt-4o-mini", 18)
    assert log["cost_usd"] is not None
    assert TYPED not in str(log) + repr(probed)


def test_a_stored_key_is_tried_only_at_its_own_origin(host: Flask, clients: Clients, upstream: Upstream) -> None:
    """Without a typed key the agent's own serves; at another address it is as if there were none."""
    agent = make_agent(clients.alice, model_config=behind(upstream))
    clients.alice.put(f"/api/ai_agents/{agent['id']}/credential", json={"api_key": KEY})
    assert probe(host, behind(upstream, agent_id=agent["id"])).ok
    with Upstream() as thief:
        with pytest.raises(Conflict) as refused:
            probe(host, behind(thief, agent_id=agent["id"]))
        assert refused.value.error_code == "no_credential"
        assert thief.requests == []
    assert sent(upstream) == [KEY]
    assert logged_tests(clients)[0]["agent_id"] == agent["id"]


def test_the_tenants_key_serves_an_agent_that_is_not_saved_yet(
    host: Flask, clients: Clients, upstream: Upstream
) -> None:
    """And another tenant's does not."""
    clients.alice.post(
        "/api/ai_agent_credentials", json={"api_key": KEY, "provider": "openai", "base_url": upstream.base_url}
    )
    assert probe(host, behind(upstream)).ok
    with pytest.raises(Conflict):
        probe(host, behind(upstream), CHARLIE)
    assert sent(upstream) == [KEY]


def test_a_shared_agents_key_does_not_follow_a_tenant_elsewhere(
    host: Flask, clients: Clients, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenant may test a shared agent as it is; with another path or provider the operator's keys stay away."""
    shared = make_agent(clients.root, "Shared", model_config=behind(upstream))
    clients.root.put(f"/api/ai_agents/{shared['id']}/credential", json={"api_key": KEY})
    assert probe(host, behind(upstream, agent_id=shared["id"])).ok
    assert probe(host, behind(upstream, agent_id=shared["id"]), ROOT).ok
    monkeypatch.setenv("GROQ_API_KEY", "sk-operator-1")
    elsewhere = {"base_url": upstream.url + "/v2"}, {"provider": "groq", "model": "x", "base_url": upstream.url}
    for change in elsewhere:
        with pytest.raises(Conflict):
            probe(host, behind(upstream, agent_id=shared["id"]) | change)
    assert sent(upstream) == [KEY, KEY]


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [(status(401), "authentication"), (status(500), "upstream"), (status(429, retry_after=1), "rate_limited")],
)
def test_a_failure_is_told_by_its_kind_and_tried_once(
    host: Flask, clients: Clients, upstream: Upstream, behaviour: Any, error: str
) -> None:
    """No second try, and neither the key nor the provider's text in what comes back or is logged."""
    upstream.behave(behaviour)
    probed = probe(host, behind(upstream, api_key=TYPED))
    assert (probed.ok, probed.error) == (False, error)
    assert probed.message
    assert len(upstream.requests) == 1
    (log,) = logged_tests(clients)
    assert (log["status"], log["error"]) == ("error", error)
    for text in (str(log), repr(probed)):
        assert TYPED not in text
        assert "Incorrect API key" not in text


def test_a_test_waits_for_a_short_time_only(tmp_path: Any, upstream: Upstream) -> None:
    """A provider that says nothing ends the test as a timeout, in its log too."""
    app = make_host(f"sqlite:///{tmp_path}/host.db", AIAGENTS_TIMEOUT_S=0.3)
    upstream.behave(hang())
    probed = probe(app, behind(upstream, api_key=TYPED))
    assert (probed.ok, probed.error) == (False, "timeout")
    assert logged_tests(Clients.of(app))[0]["status"] == "timeout"
    close(app)


def test_a_model_that_was_cut_short_has_answered(host: Flask, upstream: Upstream) -> None:
    """The few tokens of a test may run out in the middle of a word; the key works all the same."""
    upstream.behave(say("O", finish="length"))
    assert probe(host, behind(upstream, api_key=TYPED)).ok


def test_the_offline_model_needs_no_key(host: Flask) -> None:
    """It answers at once."""
    assert probe(host, {"provider": "offline", "model": "offline"}).ok


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"base_url": "http://169.254.169.254/latest"}, "base_url"),
        ({"base_url": "https://[::ffff:10.0.0.1]/"}, "base_url"),
        ({"provider": "nobody"}, "provider"),
        ({"provider": "openai_compatible", "base_url": None}, "base_url"),
        ({"model": ""}, "model"),
        ({"api_key": "short"}, "api_key"),
        ({"temperature": 1}, "temperature"),
    ],
)
def test_what_no_agent_could_have_is_refused_before_anything_is_sent(
    host: Flask, clients: Clients, change: dict[str, Any], field: str
) -> None:
    """The same address guard and the same schema as an agent's, and no log."""
    data = {"provider": "openai", "model": "gpt-4o-mini", "api_key": TYPED} | change
    with pytest.raises(Invalid) as refused:
        probe(host, {key: value for key, value in data.items() if value is not None})
    assert field in refused.value.details
    assert TYPED not in str(refused.value.to_dict())
    assert logged_tests(clients) == []


def test_bob_may_test_nothing_and_charlie_not_acmes_agent(host: Flask, clients: Clients) -> None:
    """403 for who manages no credentials; another tenant's agent is as absent as one that never was."""
    agent, absent = make_agent(clients.alice)["id"], str(uuid4())
    offline = {"provider": "offline", "model": "offline"}
    with pytest.raises(Forbidden):
        probe(host, offline, BOB)
    words = []
    for agent_id in (agent, absent):
        with pytest.raises(NotFound) as refused:
            probe(host, offline | {"agent_id": agent_id}, CHARLIE)
        words.append(str(refused.value).replace(agent_id, "X"))
    assert words[0] == words[1]


def test_tests_count_against_the_rate_limit(tmp_path: Any) -> None:
    """A test is a call like any other."""
    app = make_host(f"sqlite:///{tmp_path}/host.db", AIAGENTS_RATE_LIMIT="1/minute")
    offline = {"provider": "offline", "model": "offline"}
    assert probe(app, offline).ok
    with pytest.raises(RateLimited):
        probe(app, offline)
    close(app)


def test_a_test_is_no_execution_in_an_agents_figures(host: Flask, clients: Clients) -> None:
    """Nor may it run inside a transaction."""
    agent = make_agent(clients.alice)
    assert probe(host, {"provider": "offline", "model": "offline", "agent_id": agent["id"]}).ok
    assert clients.alice.get(f"/api/ai_agents/{agent['id']}/performance_metrics").json["executions"] == 0
    with host.app_context(), current_aiagents.database.transaction(SYSTEM), pytest.raises(AIAgentsError):
        current_aiagents.executions.test({"provider": "offline", "model": "offline"}, principal=ALICE)


def test_a_key_limited_to_agents_tests_where_its_agent_is(
    host: Flask, clients: Clients, upstream: Upstream
) -> None:
    """The tenant's other stored keys, and those of the environment, are out of its reach; a typed key is not."""
    for provider in ("openai", "openai_compatible"):
        stored = {"provider": provider, "base_url": upstream.base_url, "api_key": f"{KEY}-{provider}"}
        assert clients.alice.post("/api/ai_agent_credentials", json=stored).status_code == 201
    other = {"provider": "groq", "model": "llama-3.1-8b-instant"}
    agent = make_agent(clients.alice, model_config=behind(upstream, fallbacks=[other]))["id"]
    limited = replace(ALICE, limits=KeyLimits(agent_ids=frozenset({UUID(agent)})))
    assert probe(host, behind(upstream, agent_id=agent), limited).ok
    elsewhere = [{"provider": "openai_compatible"}, {"base_url": f"{upstream.base_url}/other"}]
    for change in elsewhere:
        with pytest.raises(Forbidden, match="limited to agents"):
            probe(host, behind(upstream, agent_id=agent) | change, limited)
        assert probe(host, behind(upstream, agent_id=agent, api_key=TYPED) | change, limited).log_id
    with pytest.raises(Conflict):  # its fallback has no key, but may be tested
        probe(host, other | {"agent_id": agent}, limited)
    assert f"{KEY}-openai_compatible" not in sent(upstream)
    overrides = {"provider": "openai_compatible", "model": "m", "base_url": upstream.base_url}
    answer = clients.alice.put(f"/api/ai_agents/{agent}/configuration", json={"configuration": overrides})
    assert answer.status_code == 200, answer.text
    assert probe(host, behind(upstream, agent_id=agent, provider="openai_compatible"), limited).ok
