"""A stored key is for one path of a gateway: its accounts differ by path alone."""

from __future__ import annotations

from importlib import import_module
from importlib.resources import files
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import Clients, make_agent
from support.hosts import ENCRYPTION_KEY, make_host
from upstream import Upstream

from flask_aiagents.core import migrate
from flask_aiagents.core.crypto import Keyring
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.credentials.models import Credential
from flask_aiagents.features.credentials.vault import binding, unseal
from flask_aiagents.net.guard import is_below

KEY = "sk-secret-0001"


def at(url: str, **config: Any) -> dict[str, Any]:
    return {"provider": "openai", "model": "gpt-4o-mini", "base_url": url} | config


def run(client: Any, agent: dict[str, Any]) -> str:
    """The error code of an execution, or its status."""
    answer = client.post(f"/api/ai_agents/{agent['id']}/execute", json={"input": "hi"}).json
    return answer.get("code") or answer["status"]


def sent_keys(upstream: Upstream) -> list[str]:
    return [request.headers.get("authorization", "").removeprefix("Bearer ") for request in upstream.requests]


@pytest.mark.requirement("R51")
@pytest.mark.parametrize(
    ("path", "prefix", "below"),
    [
        ("/acme/v1", "/acme", True),
        ("/acme", "/acme", True),
        ("/acme2/v1", "/acme", False),
        ("/globex/v1", "/acme", False),
        ("", "/acme", False),
        ("/any", "", True),
    ],
)
def test_a_prefix_ends_at_a_slash(path: str, prefix: str, below: bool) -> None:
    """A path counts as below a prefix only when the next segment begins there."""
    assert is_below(path, prefix) is below


@pytest.mark.requirement("R51")
def test_a_key_goes_only_below_the_path_it_was_stored_for(clients: Clients, upstream: Upstream) -> None:
    """Another path of the same origin gets no key: in the agent, an overlay and the tenant's other agents."""
    agent = make_agent(clients.alice, model_config=at(f"{upstream.url}/acme/v1"))
    url = f"/api/ai_agents/{agent['id']}"
    stored = clients.alice.put(f"{url}/credential", json={"api_key": KEY}).json
    assert (stored["origin"], stored["path_prefix"]) == (upstream.url, "/acme/v1")
    run(clients.alice, agent)
    assert sent_keys(upstream) == [KEY]
    for other in ("/globex/v1", "/acme/v10", "/acme", ""):
        clients.alice.put(f"{url}/configuration", json={"configuration": {"base_url": upstream.url + other}})
        assert run(clients.alice, agent) == "no_credential", other
    clients.alice.delete(f"{url}/configuration")
    clients.alice.patch(url, json={"model_config": {"base_url": f"{upstream.url}/globex/v1"}})
    assert run(clients.alice, agent) == "no_credential"
    assert sent_keys(upstream) == [KEY]


@pytest.mark.requirement("R51")
def test_each_path_has_its_own_key(clients: Clients, upstream: Upstream) -> None:
    """Keys of one tenant for two accounts of a gateway stand beside each other; the longer path wins."""
    for path, key in (("/gw", "sk-of-gateway"), ("/gw/one", "sk-of-one"), ("/gw/two", "sk-of-two")):
        body = {"provider": "openai", "base_url": upstream.url + path, "api_key": key}
        assert clients.alice.post("/api/ai_agent_credentials", json=body).status_code == 201
    assert len(clients.alice.get("/api/ai_agent_credentials").json) == 3
    for path in ("/gw/two", "/gw/one/v1", "/gw/three"):
        run(clients.alice, make_agent(clients.alice, path, model_config=at(upstream.url + path)))
    assert sent_keys(upstream) == ["sk-of-two", "sk-of-one", "sk-of-gateway"]


def test_a_providers_own_key_serves_its_base_url_written_out(clients: Clients) -> None:
    """A key stored without base_url is for the provider's API path; writing that URL out changes nothing."""
    own = clients.alice.post("/api/ai_agent_credentials", json={"provider": "openai", "api_key": KEY}).json
    body = {"provider": "openai", "api_key": KEY, "base_url": "https://api.openai.com/v1/"}
    assert own["path_prefix"] == "/v1"
    assert clients.alice.post("/api/ai_agent_credentials", json=body).json["id"] == own["id"]


def test_a_path_too_long_to_bind_is_refused(clients: Clients) -> None:
    """The field is named and nothing is stored."""
    body = {"provider": "openai", "api_key": KEY, "base_url": f"https://gw.example.com/{'a' * 255}"}
    refused = clients.alice.post("/api/ai_agent_credentials", json=body)
    assert (refused.status_code, list(refused.json["details"])) == (422, ["base_url"])
    assert clients.alice.get("/api/ai_agent_credentials").json == []


@pytest.mark.parametrize("key", [f"{KEY}\n", f" {KEY} ", f"{KEY}\r\n", f"\t{KEY}", f"\u00a0{KEY}"])
def test_blanks_around_a_key_are_dropped(clients: Clients, upstream: Upstream, key: str) -> None:
    """A key pasted with a line break works, and its mask shows the key's end."""
    agent = make_agent(clients.alice, model_config=at(upstream.base_url))
    stored = clients.alice.put(f"/api/ai_agents/{agent['id']}/credential", json={"api_key": key}).json
    assert stored["masked"] == "****0001"
    run(clients.alice, agent)
    assert sent_keys(upstream) == [KEY]


@pytest.mark.parametrize(
    "key",
    ["sk-se cret-1", "sk-se\ncret-1", "sk-secret\u20141", "sk-\u00fcber-secret", "sk-secret\x001", "        "],
)
def test_what_no_header_can_carry_is_no_key(clients: Clients, key: str) -> None:
    """Inner blanks, control characters and non-ASCII text are a 422 on the field, and never stored."""
    agent = make_agent(clients.alice, model_config=at("https://api.openai.com/v1"))
    for url, method in (
        (f"/api/ai_agents/{agent['id']}/credential", "PUT"),
        ("/api/ai_agent_credentials", "POST"),
    ):
        refused = clients.alice.open(url, method=method, json={"api_key": key, "provider": "openai"})
        assert refused.status_code in (400, 422), refused.text
        assert key not in refused.text
    assert clients.alice.get("/api/ai_agent_credentials").json == []


def test_a_key_of_the_environment_is_held_to_the_same_form(
    clients: Clients, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line break at its end is dropped; one that no header can carry is named by its variable."""
    agent = make_agent(clients.alice, model_config={"provider": "openai", "model": "gpt-4o-mini"})
    monkeypatch.setenv("OPENAI_API_KEY", "sk-oper\nator-1")
    refused = clients.alice.post(f"/api/ai_agents/{agent['id']}/execute", json={"input": "hi"})
    assert refused.json["code"] == "configuration_error"
    assert "OPENAI_API_KEY" in refused.json["message"]
    assert "ator-1" not in refused.text


@pytest.fixture
def trusted(tmp_path: Any, upstream: Upstream) -> Clients:
    """A host that sends the environment's keys to the upstream."""
    return Clients.of(make_host(f"sqlite:///{tmp_path}/t.db", AIAGENTS_TRUSTED_ORIGINS=upstream.url))


def test_a_line_break_after_a_key_of_the_environment_is_dropped(
    trusted: Clients, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets mounted from files end in one."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-operator-1\n")
    run(trusted.alice, make_agent(trusted.alice, model_config=at(upstream.base_url)))
    assert sent_keys(upstream) == ["sk-operator-1"]


def before_paths() -> str:
    """The revision before keys had paths."""
    (found,) = files("flask_aiagents.migrations.versions").glob("*_credential_paths.py")  # pyright: ignore[reportAttributeAccessIssue]
    return import_module(f"flask_aiagents.migrations.versions.{found.stem}").down_revision


def seal_for_origins(app: Flask) -> None:
    """Seal every stored key as versions without path prefixes did."""
    keyring = Keyring([ENCRYPTION_KEY])
    with app.app_context(), app.extensions["aiagents"].database.transaction(SYSTEM) as session:
        for row in session.scalars(sa.select(Credential)):
            row.ciphertext = keyring.encrypt(unseal(keyring, row).secret, binding(row, ""))


@pytest.mark.requirement("R51")
def test_existing_keys_get_the_path_of_their_agents(any_host: Flask, upstream: Upstream) -> None:
    """The upgrade binds a key to its agent's path, a tenant's key to the one path in use, and all still open."""
    clients, database = Clients.of(any_host), any_host.extensions["aiagents"].database
    own = make_agent(clients.alice, "Own", model_config=at(f"{upstream.url}/acme/v1"))
    clients.alice.put(f"/api/ai_agents/{own['id']}/credential", json={"api_key": "sk-own-key-0001"})
    for name, path in (("One", "/one"), ("Two", "/two")):
        make_agent(clients.charlie, name, model_config=at(upstream.url + path))
    for client, key in ((clients.alice, "sk-acme-0002"), (clients.charlie, "sk-globex-0003")):
        body = {"provider": "openai", "base_url": f"{upstream.url}/before", "api_key": key}
        client.post("/api/ai_agent_credentials", json=body)
    clients.alice.post("/api/ai_agent_credentials", json={"provider": "openai", "api_key": "sk-acme-0004"})
    seal_for_origins(any_host)
    migrate.downgrade(database, before_paths())
    migrate.upgrade(database)
    assert migrate.check(database) == []
    stored = clients.root.get("/api/ai_agent_credentials").json
    assert {row["masked"]: row["path_prefix"] for row in stored} == {
        "****0001": "/acme/v1",  # the agent's
        "****0002": "/acme/v1",  # the only one in use in the tenant
        "****0003": "",  # two are in use, so the whole origin
        "****0004": "/v1",  # the provider's own
    }
    run(clients.alice, own)
    with any_host.app_context():
        assert [any_host.extensions["aiagents"].credentials.rotate() for _ in range(2)] == [3, 0]
    run(clients.alice, own)
    assert sent_keys(upstream) == ["sk-own-key-0001"] * 2
