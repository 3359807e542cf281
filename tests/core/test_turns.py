"""Turns: a tenant's requests wait for each other, never for another tenant's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import ALICE, BOB, CHARLIE, make_agent
from support.hosts import close, make_host

from flask_aiagents import AIAgents, Principal
from flask_aiagents.core.lines import Line
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.testing import client_as

pytestmark = pytest.mark.requirement("R45")


class Crowd:
    """Requests that stop inside the host's ``labels`` callback until they are let go."""

    def __init__(self, folder: Any, **config: Any) -> None:
        self.inside = threading.Semaphore(0)
        self.go_on = threading.Event()
        aiagents = AIAgents(labels=self._labels)
        self.app: Flask = make_host(f"sqlite:///{folder}/turns.db", aiagents=aiagents, **config)
        for principal in (ALICE, CHARLIE):
            make_agent(client_as(self.app, principal))

    def _labels(self, _kind: str, _ids: list[str]) -> dict[str, str]:
        self.inside.release()
        assert self.go_on.wait(30)
        return {}

    def page(self, principal: Principal) -> int:
        """Open a page that asks for labels."""
        return client_as(self.app, principal).get("/aiagents/agents/").status_code


@pytest.fixture
def crowd(tmp_path: Any) -> Iterator[Crowd]:
    crowd = Crowd(tmp_path, AIAGENTS_MAX_RUNNING_PER_TENANT=3)
    yield crowd
    crowd.go_on.set()
    close(crowd.app)


def test_others_of_the_tenant_wait_and_another_tenant_does_not(crowd: Crowd) -> None:
    """Two requests of acme are worked on, a third waits; globex is answered meanwhile; all end well."""
    with ThreadPoolExecutor() as pool:
        acme = [pool.submit(crowd.page, ALICE) for _ in range(2)]
        for _ in acme:
            assert crowd.inside.acquire(timeout=30)
        third = pool.submit(client_as(crowd.app, BOB).get, "/api/ai_agents")
        assert client_as(crowd.app, CHARLIE).get("/api/ai_agents").status_code == 200
        assert not third.done()
        crowd.go_on.set()
        assert third.result(timeout=30).status_code == 200
        assert [page.result(timeout=30) for page in acme] == [200, 200]


def test_a_line_that_is_too_long_is_refused(crowd: Crowd) -> None:
    """Waiting requests hold threads, so those of a tenant are limited together with what it runs."""
    with ThreadPoolExecutor() as pool:
        acme = [pool.submit(crowd.page, ALICE) for _ in range(2)]
        for _ in acme:
            assert crowd.inside.acquire(timeout=30)
        crowding = [pool.submit(client_as(crowd.app, BOB).get, "/api/ai_agents") for _ in range(4)]
        refused: Any = next(as_completed(crowding, timeout=30)).result()
        assert (refused.status_code, refused.json["code"]) == (429, "too_many_at_once")
        crowd.go_on.set()
        assert sorted(one.result(timeout=30).status_code for one in crowding) == [200, 200, 200, 429]


def test_a_request_that_fails_gives_its_turn_back(tmp_path: Any) -> None:
    """Errors of every kind leave no turn taken."""
    app = make_host(f"sqlite:///{tmp_path}/turns.db")
    alice = client_as(app, ALICE)
    for _ in range(5):
        assert alice.get("/api/ai_agents?limit=x").status_code == 400
        assert alice.post("/api/ai_agents", data=b"{", content_type="application/json").status_code == 400
        assert (
            alice.post("/api/ai_agents/00000000-0000-0000-0000-000000000000/execute", json={}).status_code >= 400
        )
        assert alice.get("/aiagents/agents/details/?id=x").status_code == 404
    assert alice.get("/api/ai_agents").status_code == 200
    close(app)


def test_a_line_is_first_come_first_served() -> None:
    """Each place goes to the one that has waited longest."""
    line, order = Line(1), []
    assert line.enter(0)
    waiting = threading.Semaphore(0)

    def work(number: int) -> None:
        waiting.release()
        assert line.enter(30)
        order.append(number)
        line.leave()

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=work, args=(number,)))
        threads[-1].start()
        assert waiting.acquire(timeout=30)
        while line.waiting() <= number:
            threads[-1].join(0.001)
    line.leave()
    for thread in threads:
        thread.join(30)
    assert order == [0, 1, 2, 3, 4]
    assert line.enter(0)


def test_a_place_that_does_not_come_free_is_no_place() -> None:
    """Who waited in vain holds nothing and is out of the line."""
    line = Line(1)
    assert line.enter(0)
    assert not line.enter(0.01)
    assert not line.leave()
    assert line.enter(0)


def test_writes_to_an_sqlite_file_wait_in_line(host: Flask) -> None:
    """Sixteen writers at once all succeed, one after the other, beside a reader that waits for none."""
    database = host.extensions["aiagents"].database
    clients = [client_as(host, principal) for principal in (ALICE, CHARLIE)]
    with ThreadPoolExecutor(16) as pool:
        made = pool.map(lambda n: make_agent(clients[n % 2], f"Agent {n}"), range(32))
        assert len({agent["id"] for agent in made}) == 32
    with host.app_context(), database.transaction(SYSTEM) as session:
        assert session.connection().scalar(sa.text("SELECT count(*) FROM ai_agents")) == 32
