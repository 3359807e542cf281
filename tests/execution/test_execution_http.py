from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support.cast import ALICE, BOB, Clients, make_agent
from support.hosts import make_host
from upstream import Tokens, Upstream, half_stream, say, status

from flask_aiagents import AIAgents, ConfigurationError, Scope, acting_as, current_aiagents
from flask_aiagents.signals import agent_executed, agent_failed
from flask_aiagents.testing import captured_events, client_as

KEY = "sk-canary-0123456789"


def openai_agent(client: FlaskClient, upstream: Upstream, **config: Any) -> str:
    """An agent on gpt-4o-mini behind the upstream, with a credential of its own."""
    model = {"provider": "openai", "model": "gpt-4o-mini", "base_url": upstream.base_url} | config
    agent = make_agent(client, f"Agent of {len(upstream.requests)} {id(config)}", model_config=model)
    stored = client.put(f"/api/ai_agents/{agent['id']}/credential", json={"api_key": KEY})
    assert stored.status_code == 200, stored.text
    return agent["id"]


def events_of(text: str) -> list[tuple[str, Any]]:
    """The events of a stream, pings left out."""
    blocks = [block.split("\n") for block in text.split("\n\n") if block and not block.startswith(":")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def run(client: FlaskClient, agent_id: str, text: Any = "Hi", **headers: str) -> Any:
    return client.post(f"/api/ai_agents/{agent_id}/execute", json={"input": text}, headers=headers)


def logs(client: FlaskClient, agent_id: str) -> list[dict[str, Any]]:
    """The executions of an agent that a client sees."""
    return client.get(f"/api/ai_agents/{agent_id}/activity_logs?action=eq.execute").json or []


def test_the_main_job(clients: Clients, upstream: Upstream) -> None:
    """Plain and streamed, an execution answers with usage, cost and duration and leaves one log, seen by role."""
    upstream.answer("The answer is 42.", usage=Tokens(input=1000, output=500))
    agent_id = openai_agent(clients.alice, upstream)
    plain = run(clients.alice, agent_id).json
    assert plain["output"] == "The answer is 42."
    assert plain["finish_reason"] == "stop"
    assert plain["usage"] == {
        "input_tokens": 1000,
        "output_tokens": 500,
        "cached_tokens": 0,
        "cache_write_tokens": 0,
        "reasoning_tokens": 0,
        "total_tokens": 1500,
        "service_tier": None,
        "inconsistent": False,
    }
    assert Decimal(plain["cost_usd"]) == Decimal("0.00045")
    events = events_of(run(clients.alice, agent_id, Accept="text/event-stream").text)
    assert "".join(data["text"] for name, data in events if name == "delta") == "The answer is 42."
    assert [name for name, _ in events][-2:] == ["usage", "done"]
    assert {key: events[-1][1][key] for key in ("output", "usage", "cost_usd")} == {
        key: plain[key] for key in ("output", "usage", "cost_usd")
    }
    kept = logs(clients.alice, agent_id)
    assert {log["id"] for log in kept} == {plain["log_id"], events[-1][1]["log_id"]}
    for log in kept:
        assert (log["status"], log["tokens_used"], log["cost_usd"]) == ("success", 1500, "0.000450000000")
        assert log["duration_ms"] >= 0
    assert logs(clients.bob, agent_id) == []
    assert len(logs(clients.root, agent_id)) == 2
    assert clients.charlie.get(f"/api/ai_agent_activity_logs/{plain['log_id']}").status_code == 404


def test_r36_the_log_id_is_the_servers(clients: Clients) -> None:
    """An execution body with anything but input is refused, so nobody chooses an id, a URL or a tenant (R1)."""
    agent_id = make_agent(clients.alice)["id"]
    for extra in ("log_id", "base_url", "tenant_id", "model_config", "api_key"):
        response = clients.alice.post(f"/api/ai_agents/{agent_id}/execute", json={"input": "x", extra: "y"})
        assert response.status_code == 422
        assert extra in response.json["details"]
    assert logs(clients.alice, agent_id) == []


def test_r1_an_execution_names_no_url(clients: Clients, upstream: Upstream) -> None:
    """A provider URL in the body of an execution is refused and nothing is called."""
    agent_id = openai_agent(clients.alice, upstream)
    body = {"input": "x", "base_url": "http://169.254.169.254"}
    assert clients.alice.post(f"/api/ai_agents/{agent_id}/execute", json=body).status_code == 422
    assert upstream.requests == []


def test_only_an_active_agent_runs(clients: Clients) -> None:
    """Any other status is a 409 that names it."""
    agent = make_agent(clients.alice, status="maintenance")
    response = run(clients.bob, agent["id"])
    assert (response.status_code, response.json["details"]) == (409, {"status": "maintenance"})


def test_a_conversation_reaches_the_model_in_order(clients: Clients, upstream: Upstream) -> None:
    """A list of messages is sent as it is, after the system prompt."""
    agent_id = openai_agent(clients.alice, upstream, system_prompt="Be brief.")
    turns = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"},
    ]
    assert run(clients.alice, agent_id, turns).status_code == 200
    sent = upstream.requests[0].json["messages"]
    assert [(turn["role"], turn["content"]) for turn in sent] == [
        ("system", "Be brief."), ("user", "one"), ("assistant", "two"), ("user", "three"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "bad", ["", [], 7, None, [{"role": "system", "content": "x"}], [{"role": "user"}], {"a": 1}]
)
def test_a_wrong_input_is_refused(clients: Clients, bad: Any) -> None:
    """Anything but a string or a list of messages that ends with the user's is a 422."""
    agent_id = make_agent(clients.alice)["id"]
    assert run(clients.alice, agent_id, bad).status_code == 422


def test_f8_all_attempts_stand_under_one_execution(clients: Clients, upstream: Upstream) -> None:
    """Two refusals and a success are one log with three attempts; only failures are a 502 with its log."""
    agent_id = openai_agent(clients.alice, upstream)
    upstream.script(status(500), status(429, retry_after=0))
    answer = run(clients.alice, agent_id).json
    assert [attempt["error"] for attempt in answer["attempts"]] == ["upstream_500", "rate_limited", None]
    upstream.behave(status(503))
    failed = run(clients.alice, agent_id)
    assert failed.status_code == 502
    assert len(failed.json["details"]["attempts"]) == 3
    statuses = [log["status"] for log in logs(clients.alice, agent_id)]
    assert sorted(statuses) == ["error", "success"]


def test_f11_half_a_stream_is_never_a_success(clients: Clients, upstream: Upstream) -> None:
    """A stream without a finish reason ends in an error event and an incomplete log."""
    agent_id = openai_agent(clients.alice, upstream)
    upstream.behave(half_stream())
    events = events_of(run(clients.alice, agent_id, Accept="text/event-stream").text)
    assert events[-1][0] == "error"
    assert events[-1][1]["code"] == "incomplete"
    assert [(log["status"], log["error"]) for log in logs(clients.alice, agent_id)] == [("error", "incomplete")]


def test_f12_unusable_usage_costs_null_and_says_so(clients: Clients, upstream: Upstream) -> None:
    """Negative or absurd token counts give a log without cost, marked unpriced."""
    agent_id = openai_agent(clients.alice, upstream)
    upstream.answer(usage=Tokens(input=-5))
    answer = run(clients.alice, agent_id)
    assert (answer.status_code, answer.json["cost_usd"], answer.json["unpriced"]) == (200, None, True)
    (log,) = logs(clients.alice, agent_id)
    assert (log["cost_usd"], log["unpriced"], log["tokens_used"]) == (None, True, None)


def test_r28_nul_in_the_models_output_loses_no_log(clients: Clients, upstream: Upstream) -> None:
    """What a database cannot keep is scrubbed from the answer, and the log is there."""
    agent_id = openai_agent(clients.alice, upstream)
    upstream.answer("a\x00b\ud800c")
    assert run(clients.alice, agent_id).status_code == 200
    (log,) = logs(clients.alice, agent_id)
    assert "\x00" not in log["response_data"]["output"]


def test_r5_a_canary_key_appears_nowhere(
    clients: Clients, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """The key goes upstream and is in no answer, log row, list or log line - not even when upstream echoes it."""
    caplog.set_level("DEBUG")
    agent_id = openai_agent(clients.alice, upstream)
    texts = [run(clients.alice, agent_id).text]
    upstream.behave(status(401))
    texts += [run(clients.alice, agent_id).text, run(clients.alice, agent_id, Accept="text/event-stream").text]
    for path in ("ai_agents", "ai_agent_activity_logs", "ai_agent_credentials", "ai_agent_configurations"):
        texts.append(clients.root.get(f"/api/{path}").text)
    assert upstream.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in "".join(texts) + caplog.text


def test_signals_tell_of_every_execution(host: Flask, clients: Clients, upstream: Upstream) -> None:
    """agent_executed carries each end, agent_failed the bad ones."""
    agent_id = openai_agent(clients.alice, upstream)
    with captured_events(host, agent_executed) as executed, captured_events(host, agent_failed) as failed:
        run(clients.alice, agent_id)
        upstream.behave(status(401))
        run(clients.alice, agent_id)
    assert [event.status for event in executed] == ["success", "error"]  # pyright: ignore[reportAttributeAccessIssue]
    assert len(failed) == 1


def test_a_rate_limit_says_when_to_come_back(tmp_path: Any, upstream: Upstream) -> None:
    """One execution too many is a 429 with Retry-After and no log; another principal is not touched."""
    clients = Clients.of(make_host(f"sqlite:///{tmp_path}/limited.db", AIAGENTS_RATE_LIMIT="2/minute"))
    agent_id = make_agent(clients.alice)["id"]
    statuses = [run(clients.alice, agent_id).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert 0 < int(run(clients.alice, agent_id).headers["Retry-After"]) <= 60
    assert run(clients.bob, agent_id).status_code == 200
    assert len(logs(clients.alice, agent_id)) == 3


def test_a_tool_runs_as_the_caller(tmp_path: Any) -> None:
    """A registered function runs in an app context as the principal; the call is in the answer and the log."""
    aiagents = AIAgents()

    @aiagents.tool
    def whose_orders(customer: str) -> str:
        """List the orders of a customer."""
        acting = current_aiagents.access.current()
        return f"{customer} asked by {acting and acting.user_id}"

    host = make_host(f"sqlite:///{tmp_path}/tools.db", aiagents=aiagents)
    clients = Clients.of(host)
    config = {"provider": "offline", "model": "offline", "tools": ["whose_orders"]}
    agent_id = make_agent(clients.alice, model_config=config)["id"]
    answer = run(clients.bob, agent_id, "Please call whose_orders").json
    assert answer["tool_calls"][0]["name"] == "whose_orders"
    assert "asked by bob" in answer["tool_calls"][0]["result"]
    (log,) = logs(clients.bob, agent_id)
    assert log["response_data"]["tool_calls"] == answer["tool_calls"]


def test_host_code_runs_an_agent(host: Flask, clients: Clients) -> None:
    """current_aiagents.executions.run gives the output and leaves a log like the route's."""
    agent_id = make_agent(clients.alice)["id"]
    with host.app_context(), acting_as(BOB):
        execution = current_aiagents.executions.run(UUID(agent_id), {"input": "Hello"})
    assert "offline" in execution.output
    assert [log["id"] for log in logs(client_as(host, ALICE), agent_id)] == [str(execution.log_id)]


def test_structured_output_is_parsed(clients: Clients, upstream: Upstream) -> None:
    """With output_schema the output is the JSON value; one that does not fit is an invalid_output."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    agent_id = openai_agent(clients.alice, upstream, output_schema=schema)
    upstream.answer('{"n": 3}')
    assert run(clients.alice, agent_id).json["output"] == {"n": 3}
    upstream.answer('{"n": "three"}')
    assert run(clients.alice, agent_id).json["code"] == "invalid_output"


def test_r34_a_reader_that_leaves_still_leaves_a_log(clients: Clients, upstream: Upstream) -> None:
    """A stream closed in the middle is cancelled upstream and ends in one log with its tokens."""
    agent_id = openai_agent(clients.alice, upstream)
    upstream.behave(say("word " * 200, delay=0.02))
    response = clients.alice.post(
        f"/api/ai_agents/{agent_id}/execute",
        json={"input": "Hi"},
        headers={"Accept": "text/event-stream"},
        buffered=False,
    )
    frames = iter(response.response)
    assert b"delta" in bytes(next(frames))  # pyright: ignore[reportArgumentType]
    response.close()
    (log,) = logs(clients.alice, agent_id)
    assert (log["status"], log["error"]) == ("cancelled", "cancelled")
    assert log["output_tokens"] > 0
    assert upstream.wait_closed()


def test_no_agent_runs_inside_an_open_transaction(host: Flask, clients: Clients) -> None:
    """A log must be committed before the model is called, so a caller's transaction is refused."""
    agent_id = UUID(make_agent(clients.alice)["id"])
    scope = Scope(tenant_id="acme")
    refused = pytest.raises(ConfigurationError, match="Leave")
    with host.app_context(), acting_as(ALICE), current_aiagents.database.transaction(scope), refused:
        current_aiagents.executions.run(agent_id, {"input": "Hello"})
    assert logs(clients.alice, str(agent_id)) == []
