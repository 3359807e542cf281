from __future__ import annotations

import base64
import os
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import Clients, make_agent
from support.hosts import ENCRYPTION_KEY, make_host
from upstream import Upstream

from flask_aiagents import ConfigurationError
from flask_aiagents.features.credentials.models import Credential

KEY = "sk-secret-0001"


def behind(upstream: Upstream, **config: Any) -> dict[str, Any]:
    """A model configuration whose requests land at the upstream."""
    return {"provider": "openai", "model": "gpt-4o-mini", "base_url": upstream.base_url} | config


def execute(client: Any, agent_id: str) -> Any:
    return client.post(f"/api/ai_agents/{agent_id}/execute", json={"input": "hi"})


def sent_keys(upstream: Upstream) -> list[str | None]:
    """The keys that the upstream saw, in order."""
    return [
        request.headers.get("authorization", "").removeprefix("Bearer ") or None for request in upstream.requests
    ]


def test_a_key_is_never_readable_again(host: Flask, clients: Clients) -> None:
    """Answers, lists, logs and the table show at most the last four characters."""
    agent = make_agent(clients.alice, model_config={"provider": "openai", "model": "gpt-4o-mini"})
    stored = clients.alice.put(f"/api/ai_agents/{agent['id']}/credential", json={"api_key": KEY})
    assert stored.json["masked"] == "****0001"
    assert stored.json["origin"] == "https://api.openai.com"
    texts = stored.text + clients.alice.get("/api/ai_agent_credentials").text
    texts += clients.root.get("/api/ai_agent_activity_logs").text
    with host.extensions["aiagents"].database.engine.connect() as connection:
        texts += str(connection.execute(sa.select(Credential.__table__)).all())
    assert KEY not in texts


def test_r2_a_key_goes_only_to_the_origin_it_was_stored_for(clients: Clients, upstream: Upstream) -> None:
    """Changing base_url leaves the stored key behind, in the agent, in an overlay and in a fallback."""
    agent = make_agent(clients.alice, model_config=behind(upstream))
    url = f"/api/ai_agents/{agent['id']}"
    clients.alice.put(f"{url}/credential", json={"api_key": KEY})
    assert execute(clients.alice, agent["id"]).status_code == 200
    with Upstream() as thief:
        clients.alice.put(f"{url}/configuration", json={"configuration": {"base_url": thief.base_url}})
        assert execute(clients.alice, agent["id"]).json["code"] == "no_credential"
        clients.alice.delete(f"{url}/configuration")
        clients.alice.patch(url, json={"model_config": {"base_url": thief.base_url}})
        assert execute(clients.alice, agent["id"]).json["code"] == "no_credential"
        assert thief.requests == []
    assert sent_keys(upstream) == [KEY]


def test_no_operators_key_goes_where_a_tenant_points(
    clients: Clients, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's key and a shared agent's key stay away from a URL that a tenant chose."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-operator")
    shared = make_agent(clients.root, "Shared", model_config=behind(upstream))
    clients.root.put(f"/api/ai_agents/{shared['id']}/credential", json={"api_key": "sk-shared-0001"})
    assert execute(clients.alice, shared["id"]).status_code == 200
    own = make_agent(clients.alice, "Own", model_config=behind(upstream))
    assert execute(clients.alice, own["id"]).json["code"] == "no_credential"
    overlay = {"configuration": {"provider": "openai", "base_url": upstream.url + "/v2"}}
    clients.alice.put(f"/api/ai_agents/{shared['id']}/configuration", json=overlay)
    assert execute(clients.alice, shared["id"]).json["code"] == "no_credential"
    assert sent_keys(upstream) == ["sk-shared-0001"]


def test_the_agents_own_key_goes_before_the_tenants(clients: Clients, upstream: Upstream) -> None:
    """Agent's, else tenant's; each tenant its own, also for a shared agent."""
    shared = make_agent(clients.root, "Shared", model_config=behind(upstream))
    where = {"provider": "openai", "base_url": upstream.base_url}
    clients.alice.post("/api/ai_agent_credentials", json=where | {"api_key": "sk-of-acme-1"})
    execute(clients.bob, shared["id"])
    clients.alice.put(f"/api/ai_agents/{shared['id']}/credential", json={"api_key": "sk-of-acme-2"})
    execute(clients.bob, shared["id"])
    clients.charlie.post("/api/ai_agent_credentials", json=where | {"api_key": "sk-of-globex"})
    execute(clients.charlie, shared["id"])
    assert sent_keys(upstream) == ["sk-of-acme-1", "sk-of-acme-2", "sk-of-globex"]


def test_r6_putting_a_mask_back_changes_nothing(clients: Clients, upstream: Upstream) -> None:
    """The masked form sent as the key leaves the stored key as it was."""
    agent = make_agent(clients.alice, model_config=behind(upstream))
    url = f"/api/ai_agents/{agent['id']}/credential"
    masked = clients.alice.put(url, json={"api_key": KEY}).json["masked"]
    assert clients.alice.put(url, json={"api_key": masked}).status_code == 200
    execute(clients.alice, agent["id"])
    assert sent_keys(upstream) == [KEY]


@pytest.mark.parametrize(
    "bad", [base64.b64encode(bytes(32)).decode(), "changeme", base64.b64encode(b"a" * 32).decode()]
)
def test_r7_a_known_or_broken_encryption_key_stops_the_start(tmp_path: Any, bad: str) -> None:
    """Start-up is refused with a default, a pattern or no key at all in AIAGENTS_ENCRYPTION_KEYS."""
    with pytest.raises(ConfigurationError, match="AIAGENTS_ENCRYPTION_KEYS"):
        make_host(f"sqlite:///{tmp_path}/x.db", AIAGENTS_ENCRYPTION_KEYS=bad)


def test_r7_no_secret_is_stored_without_a_key(tmp_path: Any) -> None:
    """Without an encryption key a credential is refused and nothing is kept."""
    clients = Clients.of(make_host(f"sqlite:///{tmp_path}/x.db", AIAGENTS_ENCRYPTION_KEYS=""))
    response = clients.alice.post("/api/ai_agent_credentials", json={"provider": "openai", "api_key": KEY})
    assert response.status_code == 500
    assert "encryption key" in response.json["message"]
    assert clients.alice.get("/api/ai_agent_credentials").json == []


def test_rotation_seals_every_secret_anew(tmp_path: Any, upstream: Upstream) -> None:
    """After rotation the old encryption key can go and the stored keys still work."""
    uri, new = f"sqlite:///{tmp_path}/x.db", base64.b64encode(os.urandom(32)).decode()
    clients = Clients.of(make_host(uri))
    agent = make_agent(clients.alice, model_config=behind(upstream))
    clients.alice.put(f"/api/ai_agents/{agent['id']}/credential", json={"api_key": KEY})
    both = make_host(uri, AIAGENTS_ENCRYPTION_KEYS=f"{new},{ENCRYPTION_KEY}")
    with both.app_context():
        assert both.extensions["aiagents"].credentials.rotate() == 1
        assert both.extensions["aiagents"].credentials.rotate() == 0
    only_new = Clients.of(make_host(uri, AIAGENTS_ENCRYPTION_KEYS=new))
    assert execute(only_new.alice, agent["id"]).status_code == 200
    assert sent_keys(upstream) == [KEY]


def test_a_ciphertext_moved_to_another_row_does_not_open(
    host: Flask, clients: Clients, upstream: Upstream
) -> None:
    """Whoever can write the table still cannot make one tenant's key serve another."""
    for client in (clients.alice, clients.charlie):
        body = {"provider": "openai", "base_url": upstream.base_url, "api_key": KEY}
        client.post("/api/ai_agent_credentials", json=body)
    with host.extensions["aiagents"].database.engine.begin() as connection:
        table = Credential.__table__
        stolen = sa.select(table.c.ciphertext).where(table.c.tenant_id == "acme").scalar_subquery()
        connection.execute(sa.update(table).where(table.c.tenant_id == "globex").values(ciphertext=stolen))  # pyright: ignore[reportArgumentType]
    agent = make_agent(clients.charlie, model_config=behind(upstream))
    response = execute(clients.charlie, agent["id"])
    assert (response.status_code, upstream.requests) == (500, [])


def test_a_compatible_server_may_have_a_key_too(clients: Clients, upstream: Upstream) -> None:
    """openai_compatible runs without a key, and with the one that was stored for it."""
    agent = make_agent(clients.alice, model_config=behind(upstream, provider="openai_compatible"))
    assert execute(clients.alice, agent["id"]).status_code == 200
    clients.alice.put(f"/api/ai_agents/{agent['id']}/credential", json={"api_key": KEY})
    answer = execute(clients.alice, agent["id"])
    assert (answer.status_code, answer.json["unpriced"]) == (200, True)
    assert sent_keys(upstream)[-1] == KEY
