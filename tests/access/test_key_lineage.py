from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from support.cast import ALICE, ROOT, Clients
from support.keys import KEYS, Machine, made, works

from flask_aiagents import current_aiagents


def revoked_logs(client: Any) -> set[str]:
    """The keys whose revocation is in the log."""
    logs = client.get("/api/ai_agent_activity_logs?action=eq.revoke_key").json
    return {log["request_data"]["key_id"] for log in logs}


@pytest.mark.requirement("R50")
def test_revoking_a_key_revokes_what_it_made(any_host: Flask, any_clients: Clients) -> None:
    """Children and grandchildren end with it, each with its own log; keys of others and of logins go on."""
    first = made(any_clients.alice)
    child = made(Machine(any_host, first["token"]))
    grandchild = made(Machine(any_host, child["token"]), role="user", user_id="bob")
    sibling, login = made(any_clients.alice), made(any_clients.alice)
    nephew = made(Machine(any_host, sibling["token"]))
    assert [key["made_by_key_id"] for key in (first, child, grandchild)] == [None, first["id"], child["id"]]
    assert any_clients.alice.delete(f"{KEYS}/{first['id']}").status_code == 204
    ended = [first, child, grandchild]
    assert [works(any_host, key) for key in ended] == [False, False, False]
    assert [works(any_host, key) for key in (sibling, nephew, login)] == [True, True, True]
    assert revoked_logs(any_clients.alice) == {key["id"] for key in ended}
    assert any_clients.alice.delete(f"{KEYS}/{first['id']}").status_code == 204
    assert len(any_clients.alice.get("/api/ai_agent_activity_logs?action=eq.revoke_key").json) == 3


@pytest.mark.requirement("R50")
def test_revoking_an_operators_key_revokes_what_it_made_in_tenants(host: Flask, clients: Clients) -> None:
    """What it made while it acted for tenants ends with it, whoever revokes it."""
    operator = made(clients.root, role="super_admin")
    found = []
    for tenant in ("acme", "globex"):
        headers = {"X-API-Key": operator["token"], "X-AIAgents-Tenant": tenant}
        found.append(host.test_client().post(KEYS, json={"name": "x"}, headers=headers).json)
    assert [works(host, key) for key in found] == [True, True]
    assert clients.root.delete(f"{KEYS}/{operator['id']}").status_code == 204
    assert [works(host, key) for key in found] == [False, False]
    assert found[0]["id"] in revoked_logs(clients.alice)
    assert found[0]["id"] not in revoked_logs(clients.charlie)


@pytest.mark.requirement("R50")
def test_a_key_makes_none_while_it_is_revoked(any_host: Flask, any_clients: Clients) -> None:
    """Whichever comes first, no key that it makes outlives it."""
    for _ in range(5):
        key = made(any_clients.alice)
        with any_host.test_request_context(headers={"X-API-Key": key["token"]}):
            principal = any_host.extensions["aiagents"].access.current()

        def make(_: int, principal: Any = principal) -> Any:
            with any_host.app_context():
                return current_aiagents.keys.create({"name": "late"}, principal=principal)

        def revoke(key_id: str = key["id"]) -> None:
            with any_host.app_context():
                current_aiagents.keys.revoke(key_id, principal=ALICE)

        with ThreadPoolExecutor(4) as pool:
            making = [pool.submit(make, number) for number in range(3)]
            pool.submit(revoke).result()
        late = [one.result().token for one in making if one.exception() is None]
        assert [works(any_host, {"token": token}) for token in late] == [False] * len(late)


@pytest.mark.requirement("R50")
def test_forgetting_a_person_revokes_what_their_keys_made(host: Flask, clients: Clients) -> None:
    """The person's keys are deleted, and those that they made for others end with them."""
    own = made(clients.alice)
    child = made(Machine(host, own["token"]), role="user", user_id="machine-1")
    with host.app_context():
        current_aiagents.erasure.forget_person("alice", tenant_id="acme", principal=ROOT)
    assert [works(host, key) for key in (own, child)] == [False, False]
