from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from support.cast import ALICE, BOB, CHARLIE, Clients, make_agent
from support.hosts import close, make_host
from support.logs import begin, finish

from flask_aiagents import Principal
from flask_aiagents.core.clock import utcnow
from flask_aiagents.errors import RateLimited

pytestmark = pytest.mark.requirement("R45")

LIMIT = 3


@pytest.fixture
def app(database_uri: str) -> Iterator[Flask]:
    """A host that limits what a tenant runs in all processes."""
    app = make_host(database_uri, AIAGENTS_MAX_EXECUTIONS_PER_TENANT=LIMIT)
    yield app
    close(app)


def crowd(app: Flask, agent_id: str, *principals: Principal) -> list[UUID]:
    """Begin an execution for each, all at once; the logs of those that were admitted."""

    def one(principal: Principal) -> UUID | None:
        try:
            return begin(app, agent_id, principal=principal)
        except RateLimited:
            return None

    with ThreadPoolExecutor(len(principals)) as pool:
        return [log_id for log_id in pool.map(one, principals) if log_id]


def test_a_crowd_gets_exactly_the_limit(app: Flask) -> None:
    """Of many that begin at once exactly the limit is admitted, of all users together; an end makes room."""
    clients = Clients.of(app)
    agent_id = make_agent(clients.alice)["id"]
    admitted = crowd(app, agent_id, *[ALICE, BOB] * 5)
    assert len(admitted) == LIMIT
    assert crowd(app, agent_id, ALICE) == []
    assert len(crowd(app, make_agent(clients.charlie)["id"], CHARLIE)) == 1
    assert any(finish(app, admitted[0], principal=principal) for principal in (ALICE, BOB))
    assert len(crowd(app, agent_id, BOB, BOB)) == 1


def test_a_killed_process_counts_until_its_leases_end(app: Flask) -> None:
    """A running row whose lease is over takes no room, before maintenance has ended it."""
    agent_id = make_agent(Clients.of(app).alice)["id"]
    for _ in range(LIMIT):
        begin(app, agent_id, at=utcnow() - timedelta(minutes=5), lease=timedelta(minutes=1))
    assert len(crowd(app, agent_id, *[ALICE] * LIMIT)) == LIMIT


def test_the_answer_beyond_the_limit(app: Flask) -> None:
    """A client gets a 429 with a time to wait, and nothing is logged."""
    alice = Clients.of(app).alice
    agent_id = make_agent(alice)["id"]
    crowd(app, agent_id, *[BOB] * LIMIT)
    answer = alice.post(f"/api/ai_agents/{agent_id}/execute", json={"input": "hi"})
    assert (answer.status_code, answer.json["code"]) == (429, "too_many_at_once")
    assert int(answer.headers["Retry-After"]) > 0
    assert len(alice.get("/api/ai_agent_activity_logs?action=eq.execute").json) == LIMIT
