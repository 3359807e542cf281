from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest
import redis
from support.cast import Clients, make_agent
from support.hosts import close, make_host

REDIS = "redis://127.0.0.1:6379"


@pytest.fixture
def redis_uri() -> str:
    """A Redis server, where there is one."""
    client = redis.Redis.from_url(REDIS, socket_connect_timeout=1)
    try:
        client.ping()
    except redis.RedisError:
        pytest.skip("no Redis server on 127.0.0.1:6379")
    finally:
        client.close()
    return REDIS


def test_two_processes_share_a_limit_through_redis(tmp_path: Path, redis_uri: str) -> None:
    """With counts in Redis the limit is one for all apps; in memory each would allow its own."""
    uri, user = f"sqlite:///{tmp_path}/shared.db", f"bob-{secrets.token_hex(4)}"
    options: dict[str, Any] = {"AIAGENTS_RATE_LIMIT": "3/minute", "AIAGENTS_RATE_LIMIT_STORAGE_URI": redis_uri}
    apps = [make_host(uri, **options) for _ in range(2)]
    alice = Clients.of(apps[0]).alice
    agent_id = make_agent(alice)["id"]
    token = alice.post("/api/ai_agent_api_keys", json={"name": "x", "user_id": user}).json["token"]
    statuses = [
        app.test_client()
        .post(f"/api/ai_agents/{agent_id}/execute", json={"input": "hi"}, headers={"X-API-Key": token})
        .status_code
        for app in apps * 2
    ]
    assert statuses == [200, 200, 200, 429]
    for app in apps:
        close(app)


def test_counts_that_cannot_be_reached_are_a_503(tmp_path: Path) -> None:
    """Without its storage the limit cannot be kept, so nothing runs, and the answer says to come back."""
    options: dict[str, Any] = {
        "AIAGENTS_RATE_LIMIT": "3/minute",
        "AIAGENTS_RATE_LIMIT_STORAGE_URI": "redis://127.0.0.1:1",
    }
    app = make_host(f"sqlite:///{tmp_path}/away.db", **options)
    alice = Clients.of(app).alice
    response = alice.post(f"/api/ai_agents/{make_agent(alice)['id']}/execute", json={"input": "hi"})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert alice.get("/api/ai_agent_activity_logs?action=eq.execute").json == []
    close(app)


@pytest.mark.requirement("R46")
def test_invented_users_share_their_tenants_rate(tmp_path: Path) -> None:
    """Keys for user ids that nobody has gain nothing; each user's own limit holds, too."""
    options: dict[str, Any] = {"AIAGENTS_RATE_LIMIT": "2/day", "AIAGENTS_TENANT_RATE_LIMIT": "5/day"}
    app = make_host(f"sqlite:///{tmp_path}/rates.db", **options)
    clients = Clients.of(app)
    url = f"/api/ai_agents/{make_agent(clients.alice)['id']}/execute"
    statuses: list[int] = []
    for number in range(4):
        key = clients.alice.post("/api/ai_agent_api_keys", json={"name": "x", "user_id": f"u{number}"}).json
        headers = {"X-API-Key": key["token"]}
        statuses += [
            app.test_client().post(url, json={"input": "hi"}, headers=headers).status_code for _ in range(3)
        ]
    assert statuses == [200, 200, 429, 200, 200, 429, 200, 429, 429, 429, 429, 429]
    theirs = f"/api/ai_agents/{make_agent(clients.charlie)['id']}/execute"
    assert clients.charlie.post(theirs, json={"input": "hi"}).status_code == 200
    close(app)
