"""Shares of the processor: a tenant that computes much pauses while others are active, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from support.cast import ALICE, CHARLIE
from support.hosts import close, make_host

from flask_aiagents.core.shares import BURST_S, MAX_PAUSE_S, Shares
from flask_aiagents.testing import client_as

pytestmark = pytest.mark.requirement("R45")


def test_a_tenant_that_is_alone_never_pauses() -> None:
    """Nobody is delayed by what it computes."""
    shares = Shares()
    assert [shares.charge("acme", 100 * BURST_S) for _ in range(5)] == [0] * 5


def test_a_tenant_pauses_for_what_it_used_beyond_its_burst() -> None:
    """With two tenants active the pause is three times the excess: a third of the processor each, one unused."""
    shares = Shares()
    shares.charge("globex", 0)
    assert shares.charge("acme", BURST_S) == pytest.approx(0, abs=0.1)
    assert shares.charge("acme", 0.5) == pytest.approx(1.5, abs=0.1)
    assert shares.pause_s("globex") == 0


def test_no_pause_is_longer_than_the_longest() -> None:
    """One request that computed for an hour delays the tenant's next by seconds."""
    shares = Shares()
    shares.charge("globex", 0)
    assert shares.charge("acme", 3600) == MAX_PAUSE_S
    assert shares.pause_s("acme") <= MAX_PAUSE_S


@pytest.fixture
def host(tmp_path: Any) -> Iterator[Flask]:
    app = make_host(f"sqlite:///{tmp_path}/shares.db", AIAGENTS_MAX_RUNNING_PER_TENANT=2)
    yield app
    close(app)


def _exhaust(app: Flask, tenant_id: str, other: str) -> None:
    """Use up the tenant's share while another one is active."""
    shares = app.extensions["aiagents"].turns._shares
    shares.charge(other, 0)
    shares.charge(tenant_id, BURST_S + 0.5)


def test_requests_beyond_the_share_are_answered_after_a_pause(host: Flask) -> None:
    """They are delayed, not refused; the other tenant's are not delayed behind them."""
    _exhaust(host, "acme", "globex")
    with ThreadPoolExecutor() as pool:
        acme = pool.submit(client_as(host, ALICE).get, "/api/ai_agents")
        assert client_as(host, CHARLIE).get("/api/ai_agents").status_code == 200
        assert acme.result(timeout=30).status_code == 200


def test_a_flood_is_refused_before_the_database_is_asked(host: Flask) -> None:
    """A key whose tenant has no room left costs no query; when the room is back, it works again."""
    made: Any = client_as(host, ALICE).post("/api/ai_agent_api_keys", json={"name": "x"})
    headers = {"X-API-Key": made.json["token"]}

    def ask() -> Any:
        return host.test_client().get("/api/ai_agents", headers=headers)

    assert ask().status_code == 200
    engine = host.extensions["aiagents"].database.engine
    with ThreadPoolExecutor(8) as pool:
        _exhaust(host, "acme", "globex")
        answers = [answer.result() for answer in as_completed([pool.submit(ask) for _ in range(8)], timeout=60)]
        assert sorted({answer.status_code for answer in answers}) == [200, 429]
    slots = [host.extensions["aiagents"].turns._slots.take(ALICE, for_user=False) for _ in range(2)]
    _exhaust(host, "acme", "globex")
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    refused = ask()
    assert (refused.status_code, refused.json["code"], statements) == (429, "too_many_at_once", [])
    for slot in slots:
        slot.release()
    assert ask().status_code == 200


def test_a_streamed_body_ends_well_after_pauses(host: Flask) -> None:
    """An export of a tenant beyond its share is whole."""
    alice = client_as(host, ALICE)
    rows = [{"action": "import"}] * 50
    assert alice.post("/api/ai_agent_activity_logs", json=rows).status_code == 201
    _exhaust(host, "acme", "globex")
    export = alice.get("/api/ai_agent_activity_logs/export?format=jsonl")
    assert len(export.text.splitlines()) >= 50


def test_what_the_engine_computes_for_a_stream_counts(host: Flask) -> None:
    """A tenant's call charges the account that its requests charge."""
    installed = host.extensions["aiagents"]
    installed.turns._shares.charge("globex", 0)
    pause = installed.executions._planner.pace(ALICE)
    assert pause(BURST_S + 0.5) > 0
    assert installed.turns._shares.pause_s("acme") > 0
    assert installed.turns._shares.pause_s("globex") == 0
