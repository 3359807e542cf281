from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from support.cast import BOB, ROOT, Clients, make_agent
from support.logs import begin, finish, running_of

from flask_aiagents.core.clock import utcnow
from flask_aiagents.features.activity.expiry import BATCH
from flask_aiagents.signals import AgentExecuted, agent_executed, agent_failed
from flask_aiagents.testing import captured_events

URL = "/api/ai_agent_activity_logs"


def _end_expired(app: Flask) -> int:
    with app.app_context():
        return running_of(app).end_expired()


def test_f1_an_expired_execution_ends_as_interrupted(any_host: Flask, any_clients: Clients) -> None:
    """A running row past its lease is ended once, with the time it was believed; others stay as they are."""
    agent = make_agent(any_clients.alice)["id"]
    begun = utcnow() - timedelta(minutes=10)
    dead = begin(any_host, agent, at=begun, lease=timedelta(minutes=2))
    roots = begin(any_host, agent, at=begun, principal=ROOT)
    alive, done = begin(any_host, agent), begin(any_host, agent, at=begun)
    finish(any_host, done)
    assert _end_expired(any_host) == 2
    assert _end_expired(any_host) == 0
    log = any_clients.bob.get(f"{URL}/{dead}").json
    assert (log["status"], log["error"], log["unpriced"], log["cost_usd"]) == (
        "interrupted",
        "interrupted",
        True,
        None,
    )
    assert log["duration_ms"] == pytest.approx(120_000, abs=2)
    assert any_clients.root.get(f"{URL}/{roots}").json["status"] == "interrupted"
    assert any_clients.bob.get(f"{URL}/{alive}").json["status"] == "running"
    assert any_clients.bob.get(f"{URL}/{done}").json["status"] == "success"
    assert not finish(any_host, dead)
    assert any_clients.bob.get(f"{URL}/{dead}").json == log


def test_f2_what_a_stream_had_noted_is_priced(any_host: Flask, any_clients: Clients) -> None:
    """An interrupted stream keeps its partial output, and its tokens so far have their price."""
    log_id = begin(any_host, make_agent(any_clients.alice)["id"], at=utcnow() - timedelta(hours=1))
    with any_host.app_context():
        assert running_of(any_host).note_progress(
            log_id,
            principal=BOB,
            response_data={"output": "so far", "partial": True},
            input_tokens=1_000_000,
            output_tokens=0,
        )
    assert _end_expired(any_host) == 1
    log = any_clients.bob.get(f"{URL}/{log_id}").json
    assert (log["response_data"]["output"], log["tokens_used"]) == ("so far", 1_000_000)
    assert (Decimal(log["cost_usd"]), log["unpriced"]) == (Decimal("0.15"), False)


def test_each_ended_lease_is_told_once(host: Flask, clients: Clients) -> None:
    """The public signals tell of each interrupted execution after it was committed, in every batch."""
    agent = make_agent(clients.alice)["id"]
    number, past = BATCH + 5, utcnow() - timedelta(hours=1)
    ids = {begin(host, agent, at=past) for _ in range(number)}
    with captured_events(host, agent_executed) as executed, captured_events(host, agent_failed) as failed:
        assert _end_expired(host) == number
    assert {event.log_id for event in executed if isinstance(event, AgentExecuted)} == ids
    assert [event.status for event in failed if isinstance(event, AgentExecuted)] == ["interrupted"] * number
    assert {event.tenant_id for event in failed} == {"acme"}


def test_an_end_and_an_expiry_at_once_make_one_end(any_host: Flask, any_clients: Clients) -> None:
    """Executions that end while maintenance gives them up have one of both ends, told by whoever wrote it."""
    agent = make_agent(any_clients.alice)["id"]
    ids = [begin(any_host, agent, at=utcnow() - timedelta(hours=1)) for _ in range(40)]
    with ThreadPoolExecutor(4) as pool:
        expiry = pool.submit(_end_expired, any_host)
        ended = sum(pool.map(lambda log_id: finish(any_host, log_id), reversed(ids)))
        expired = expiry.result()
    assert ended + expired == len(ids)
    logs = any_clients.alice.get(f"{URL}?action=eq.execute&limit=200").json
    statuses = [log["status"] for log in logs]
    assert (statuses.count("success"), statuses.count("interrupted")) == (ended, expired)


def test_maintenance_ends_leases(host: Flask, clients: Clients) -> None:
    """A tick of the app's maintenance is all it takes."""
    begin(host, make_agent(clients.alice)["id"], at=utcnow() - timedelta(hours=1))
    assert host.extensions["aiagents"].maintenance.tick()["expired leases"] == 1
