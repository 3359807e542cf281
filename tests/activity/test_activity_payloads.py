from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import BOB, Clients, make_agent
from support.hosts import close, make_host
from support.logs import begin, finish, running_of

from flask_aiagents import AIAgents
from flask_aiagents.core.clock import utcnow
from flask_aiagents.features.activity.payload import Payloads, bounded

CANARY = "canary-7f3a"


def dump(app: Flask) -> str:
    """All that the log's table holds, as text."""
    with app.app_context(), app.extensions["aiagents"].database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT set_config('aiagents.scope', 'system', true)"))
        return str(connection.execute(sa.text("SELECT * FROM ai_agent_activity_logs")).all())


def execute(client: Any, agent: dict[str, Any], text: str, **headers: str) -> Any:
    answer = client.post(f"/api/ai_agents/{agent['id']}/execute", json={"input": text}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def test_metadata_only_keeps_no_text_at_all(any_host: Flask) -> None:
    """Of a run, a stream, a note of its progress and a client's log nothing but figures is in the database."""
    clients = Clients.of(any_host)
    agent = make_agent(clients.alice, log_payload_kb=0)
    answer = execute(clients.bob, agent, CANARY)
    assert CANARY in answer.text
    assert CANARY in execute(clients.bob, agent, CANARY, Accept="text/event-stream").text
    log_id = begin(any_host, agent["id"], payload_kb=0, request_data={"input": CANARY})
    with any_host.app_context():
        running_of(any_host).note_progress(
            log_id, principal=BOB, response_data={"output": CANARY}, input_tokens=1, output_tokens=1, payload_kb=0
        )
    assert finish(any_host, log_id, payload_kb=0, response_data={"output": CANARY})
    posted = {"action": "call", "agent_id": agent["id"], "request_data": CANARY, "response_data": [CANARY]}
    for body in (posted, [posted, posted]):
        assert clients.bob.post("/api/ai_agent_activity_logs", json=body).status_code == 201
    assert CANARY not in dump(any_host)
    logs = clients.bob.get("/api/ai_agent_activity_logs?action=eq.execute").json
    assert {log["status"] for log in logs} == {"success"}
    assert all(log["tokens_used"] for log in logs)


@pytest.mark.parametrize("kb", [1, 8, 63])
@pytest.mark.parametrize("text", ["plain ", 'quotes " and \\ ', "\U0001f600 ü "])
def test_a_limit_is_kept_to_the_byte(host: Flask, kb: int, text: str) -> None:
    """Whatever characters it is made of, no more is kept than its agent's limit, and it says what it was."""
    clients = Clients.of(host)
    agent = make_agent(clients.alice, log_payload_kb=kb)
    long = text * (kb * 1024 // len(text) + 1)
    log = execute(clients.bob, agent, long).json
    kept = clients.bob.get(f"/api/ai_agent_activity_logs/{log['log_id']}").json["request_data"]
    assert kept["truncated"] is True
    assert kept["bytes"] > kb * 1024
    assert len(json.dumps(kept, ensure_ascii=False).encode()) <= kb * 1024
    assert kept["head"]


def test_what_fits_is_whole(host: Flask) -> None:
    """A short request is kept as it is, whatever the limit."""
    clients = Clients.of(host)
    agent = make_agent(clients.alice, log_payload_kb=1)
    log = execute(clients.bob, agent, "Hello").json
    kept = clients.bob.get(f"/api/ai_agent_activity_logs/{log['log_id']}").json
    assert kept["request_data"] == {"input": [{"role": "user", "content": "Hello"}]}


def test_only_who_may_write_the_agent_says_how_much(host: Flask) -> None:
    """An admin changes it, a tenant's configuration cannot, and what is no number of KB is refused."""
    clients = Clients.of(host)
    agent = make_agent(clients.alice)
    assert agent["log_payload_kb"] == 64
    url = f"/api/ai_agents/{agent['id']}"
    assert clients.bob.patch(url, json={"log_payload_kb": 0}).status_code == 403
    assert clients.charlie.patch(url, json={"log_payload_kb": 0}).status_code == 404
    for wrong in (-1, 65, "8", 1.5, None, True):
        answer = clients.alice.patch(url, json={"log_payload_kb": wrong})
        assert answer.status_code == 422
        assert "log_payload_kb" in answer.json["details"]
    assert clients.alice.patch(url, json={"log_payload_kb": 8}).json["log_payload_kb"] == 8
    overridden = clients.alice.put(f"{url}/configuration", json={"configuration": {"log_payload_kb": 64}})
    assert overridden.status_code == 422


def redacting(value: Any) -> Any:
    """A host's function: no canary, at any depth."""
    return json.loads(json.dumps(value).replace(CANARY, "[removed]"))


def test_a_hosts_redaction_comes_before_the_database(database_uri: str) -> None:
    """Of requests, answers, clients' logs and changes alike; who asked still gets the whole answer."""
    app = make_host(database_uri, aiagents=AIAgents(redact=redacting))
    clients = Clients.of(app)
    agent = make_agent(clients.alice, description=f"Knows {CANARY}.")
    assert CANARY in execute(clients.bob, agent, CANARY).text
    body = [{"action": "call", "request_data": {"deep": [CANARY]}}] * 2
    assert clients.bob.post("/api/ai_agent_activity_logs", json=body).status_code == 201
    assert CANARY not in dump(app)
    assert "[removed]" in dump(app)
    close(app)


def test_clients_words_are_redacted_too(database_uri: str) -> None:
    """Whatever field a client's words are in, and into what sums they go: what the hook takes out is nowhere."""

    def strict(value: Any) -> Any:
        return None if value == f"gone {CANARY}" else redacting(value)

    app = make_host(database_uri, aiagents=AIAgents(redact=strict))
    clients, words = Clients.of(app), ("provider", "model", "finish_reason", "error")
    for text, kept in ((f"a {CANARY} b", "a [removed] b"), (f"gone {CANARY}", None), ("plain", "plain")):
        item = {"action": "execute", "status": "error", "duration_ms": 5} | dict.fromkeys(words, text)
        for body in (item, [item, item]):
            made = clients.alice.post("/api/ai_agent_activity_logs", json=body)
            assert made.status_code == 201
            logs: Any = made.json if isinstance(body, list) else [made.json]
            assert [log[word] for log in logs for word in words] == [kept] * len(words) * len(logs)
    app.extensions["aiagents"].maintenance.tick()
    usage = clients.alice.get("/api/ai_agent_analytics/usage?by=model").text
    assert CANARY not in dump(app) + usage + clients.alice.get("/api/ai_agent_analytics/errors").text
    assert "[removed]" in usage
    close(app)


@pytest.mark.parametrize("broken", [lambda _: 1 / 0, lambda text: {"text": text}, lambda _: 5])
def test_a_word_whose_redaction_is_no_word_is_dropped(tmp_path: Any, broken: Any) -> None:
    """The log is kept without it."""
    app = make_host(f"sqlite:///{tmp_path}/words.db", aiagents=AIAgents(redact=broken))
    made = Clients.of(app).bob.post("/api/ai_agent_activity_logs", json={"action": "call", "model": CANARY})
    assert (made.status_code, made.json["model"]) == (201, None)
    assert CANARY not in dump(app)
    close(app)


def test_half_an_answer_is_not_kept_where_the_host_redacts(database_uri: str) -> None:
    """A process that dies in the middle of a number leaves its tokens and no text; no hook, and the text stays."""
    for redact, kept in ((redacting, {"partial": True}), (None, {"output": CANARY[:6], "partial": True})):
        app = make_host(database_uri, aiagents=AIAgents(redact=redact))
        agent = make_agent(Clients.of(app).alice, f"Helper {redact}")
        log_id = begin(app, agent["id"], at=utcnow() - timedelta(hours=1))
        with app.app_context():
            running = running_of(app)
            note = {"output": CANARY[:6], "partial": True}
            running.note_progress(log_id, principal=BOB, response_data=note, input_tokens=3, output_tokens=4)
            assert running.end_expired() == 1
        log = Clients.of(app).bob.get(f"/api/ai_agent_activity_logs/{log_id}").json
        assert (log["status"], log["tokens_used"], log["response_data"]) == ("interrupted", 7, kept)
        close(app)


@pytest.mark.parametrize(
    ("ended", "kept"),
    [
        ({"status": "cancelled", "error": "cancelled", "finish_reason": None}, False),
        ({"status": "error", "error": "incomplete", "finish_reason": None}, False),
        ({"status": "error", "error": "invalid_output"}, True),
        ({}, True),
    ],
)
def test_an_answer_that_broke_off_is_not_kept_either(tmp_path: Any, ended: dict[str, Any], kept: bool) -> None:
    """Its reader may have left in the middle of a number; why it ended stays, and so does a whole answer."""
    app = make_host(f"sqlite:///{tmp_path}/cut.db", aiagents=AIAgents(redact=redacting))
    log_id = begin(app, make_agent(Clients.of(app).alice)["id"])
    said = {"output": CANARY[:6], "message": "Why."}
    assert finish(app, log_id, response_data=said, **ended)
    log = Clients.of(app).bob.get(f"/api/ai_agent_activity_logs/{log_id}").json
    assert log["response_data"] == (said if kept else {"message": "Why.", "partial": True})
    close(app)


@pytest.mark.parametrize("broken", [lambda _: 1 / 0, lambda _: {"set": {1}}, lambda _: object()])
def test_a_redaction_that_fails_lets_nothing_through(
    tmp_path: Any, broken: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The log is kept, its payload is not, and the warning does not repeat it."""
    app = make_host(f"sqlite:///{tmp_path}/broken.db", aiagents=AIAgents(redact=broken))
    clients = Clients.of(app)
    agent = make_agent(clients.alice)
    with caplog.at_level(logging.ERROR):
        log = execute(clients.bob, agent, CANARY).json
    kept = clients.bob.get(f"/api/ai_agent_activity_logs/{log['log_id']}").json
    assert kept["request_data"] == {"redacted": True, "reason": "The redaction failed."}
    assert kept["status"] == "success"
    assert CANARY not in dump(app) + caplog.text
    assert "redact" in caplog.text
    close(app)


def test_a_redaction_changes_a_copy() -> None:
    """What the host's function does to its argument is not seen by anybody else."""
    value = {"output": {"name": "Alice"}}

    def clear(payload: Any) -> Any:
        payload["output"].clear()
        return payload

    assert Payloads(clear).kept(value) == {"output": {}}
    assert value == {"output": {"name": "Alice"}}
    assert bounded(None) is None
