from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from support.cast import ALICE, Clients, make_agent
from support.hosts import close, make_host
from upstream import Upstream, stall, status

from flask_aiagents import current_aiagents
from flask_aiagents.errors import RateLimited

pytestmark = pytest.mark.requirement("R45")

STREAM = {"Accept": "text/event-stream"}


def limited(folder: Path, process: int, tenant: int, user: int) -> Flask:
    return make_host(
        f"sqlite:///{folder}/limited.db",
        AIAGENTS_MAX_RUNNING=process,
        AIAGENTS_MAX_RUNNING_PER_TENANT=tenant,
        AIAGENTS_MAX_RUNNING_PER_USER=user,
        AIAGENTS_MAX_RETRIES=0,
    )


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """A host of few slots."""
    app = limited(tmp_path, process=4, tenant=3, user=2)
    yield app
    close(app)


@pytest.fixture
def single(tmp_path: Path) -> Iterator[Flask]:
    """A host with one slot for everybody."""
    app = limited(tmp_path, process=1, tenant=1, user=1)
    yield app
    close(app)


def agent_at(client: Any, upstream: Upstream) -> str:
    model = {"provider": "openai_compatible", "model": "m", "base_url": upstream.base_url}
    return f"/api/ai_agents/{make_agent(client, model_config=model)['id']}/execute"


def begin(client: Any, url: str) -> Any:
    """Start a stream whose model falls silent."""
    response = client.post(url, json={"input": "hi"}, headers=STREAM)
    assert response.status_code == 200, response.text
    return response


def refused(client: Any, url: str, **options: Any) -> tuple[int, str]:
    response = client.post(url, json={"input": "hi"}, **options)
    assert int(response.headers["Retry-After"]) > 0
    assert response.json["hint"]
    return response.status_code, response.json["code"]


def test_user_tenant_and_process_have_their_limits(app: Flask, upstream: Upstream) -> None:
    """One's own share is a 429, a full process a 503; lists, health and other tenants go on."""
    upstream.behave(stall())
    clients = Clients.of(app)
    acme, globex = agent_at(clients.alice, upstream), agent_at(clients.charlie, upstream)
    held = [begin(clients.alice, acme), begin(clients.alice, acme)]
    assert refused(clients.alice, acme) == (429, "too_many_at_once")
    assert refused(clients.alice, acme, headers=STREAM) == (429, "too_many_at_once")
    held.append(begin(clients.bob, acme))
    assert refused(clients.bob, acme) == (429, "too_many_at_once")
    held.append(begin(clients.charlie, globex))
    assert refused(clients.charlie, globex) == (503, "unavailable")
    for client in (clients.alice, clients.charlie):
        assert client.get("/api/health").status_code == 200
        assert client.get("/api/ai_agents").status_code == 200
        assert client.get("/api/ai_agent_activity_logs").status_code == 200
    for response in held:
        response.close()
    begin(clients.charlie, globex).close()


def test_a_refused_execution_is_neither_logged_nor_sent(app: Flask, upstream: Upstream) -> None:
    """Nothing of an execution beyond the limit reaches the log or the model."""
    upstream.behave(stall())
    alice = Clients.of(app).alice
    url = agent_at(alice, upstream)
    held = [begin(alice, url), begin(alice, url)]
    refused(alice, url)
    assert len(alice.get("/api/ai_agent_activity_logs?action=eq.execute").json) == 2
    for response in held:
        response.close()


@pytest.mark.requirement("R46")
def test_invented_users_share_their_tenants_slots(app: Flask, upstream: Upstream) -> None:
    """Keys for user ids that nobody has gain nothing: executions, log streams and exports count for the tenant."""
    upstream.behave(stall())
    clients = Clients.of(app)
    url = agent_at(clients.alice, upstream)
    tokens = [
        clients.alice.post("/api/ai_agent_api_keys", json={"name": "x", "user_id": f"u{n}"}).json["token"]
        for n in range(4)
    ]
    answers = [
        app.test_client().post(url, json={"input": "hi"}, headers=STREAM | {"X-API-Key": token})
        for token in tokens
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    for path in ("stream", "export"):
        got = app.test_client().get(f"/api/ai_agent_activity_logs/{path}", headers={"X-API-Key": tokens[3]})
        assert got.status_code == 429, path
    for answer in answers:
        answer.close()
    begin(clients.charlie, agent_at(clients.charlie, upstream)).close()


def read(response: Any) -> None:
    assert response.text


def drop(_: Any) -> None:
    """Leave the answer unread; the test client lets go of it."""


ENDINGS: dict[str, Callable[[Any], None]] = {
    "read": read,
    "closed": lambda answer: answer.close(),
    "dropped": drop,
}


@pytest.mark.parametrize("path", ["execute", "stream", "export?format=jsonl", "export?limit=1", "export?format=x"])
@pytest.mark.parametrize("ending", list(ENDINGS))
def test_a_slot_comes_back_however_its_answer_ends(single: Flask, path: str, ending: str) -> None:
    """Read to its end, closed in the middle, never begun or refused: the only slot is free afterwards."""
    alice = Clients.of(single).alice
    url = f"/api/ai_agents/{make_agent(alice)['id']}/execute"
    logs = f"/api/ai_agent_activity_logs/{path}"
    for _ in range(3):
        executes = path == "execute"
        answer = alice.post(url, json={"input": "hi"}, headers=STREAM) if executes else alice.get(logs)
        # A log stream would be read for ten minutes.
        ENDINGS["closed" if path == "stream" else ending](answer)
        del answer
        assert alice.post(url, json={"input": "hi"}).status_code == 200


def test_a_slot_comes_back_after_each_kind_of_failure(single: Flask, upstream: Upstream) -> None:
    """An absent agent, a wrong body, an inactive agent and a failing model leave no slot taken."""
    clients = Clients.of(single)
    failing = agent_at(clients.alice, upstream)
    inactive = make_agent(clients.alice, "Off", status="inactive")["id"]
    upstream.behave(status(500))
    calls = [
        ("/api/ai_agents/00000000-0000-7000-8000-000000000000/execute", {"input": "hi"}, 404),
        (failing, {"input": ""}, 422),
        (failing, {"wrong": 1}, 422),
        (f"/api/ai_agents/{inactive}/execute", {"input": "hi"}, 409),
        (failing, {"input": "hi"}, 502),
        (failing, {"input": "hi"}, 502),
    ]
    got = [clients.alice.post(url, json=body).status_code for url, body, _ in calls]
    assert got == [expected for *_, expected in calls]
    assert "event: error" in clients.alice.post(failing, json={"input": "hi"}, headers=STREAM).text
    upstream.answer("Hello")
    assert clients.alice.post(failing, json={"input": "hi"}).status_code == 200


def test_a_test_of_a_key_takes_a_slot(single: Flask, upstream: Upstream) -> None:
    """A test waits for a model like an execution, so it is one of what runs."""
    upstream.behave(stall())
    alice = Clients.of(single).alice
    held = begin(alice, agent_at(alice, upstream))
    body = {"provider": "openai_compatible", "model": "m", "base_url": upstream.base_url}
    with single.app_context(), pytest.raises(RateLimited):
        current_aiagents.executions.test(body, principal=ALICE)
    held.close()
