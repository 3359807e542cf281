from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from attacks.inputs.filters import ANALYTICS, HOSTILE_TEXT, LOGS, PATTERNS, QUERIES
from flask import Flask
from support.cast import ALICE, BOB, Clients
from support.hosts import close, make_host

from flask_aiagents.core.slots import SlotLimits, Slots
from flask_aiagents.errors import RateLimited, Unavailable

PATTERN = f"{LOGS}?action=like.*c*"
EXPENSIVE = (
    PATTERN,
    f"{LOGS}?or=(action.eq.a,action.ilike.*c*)",
    f"{LOGS}?attempts=cs.{{a}}",
    f"{LOGS}?request_data->>input=eq.a",
    f"{LOGS}?order=action",
    f"{LOGS}/export",
    f"{ANALYTICS}/summary",
    f"{ANALYTICS}/usage?by=model",
    "/ai_agents?name=ilike.*a*",
)
CHEAP = ("/ai_agents", LOGS, f"{LOGS}?action=eq.chat", f"{LOGS}?order=created_at.asc", "/health")


@pytest.fixture
def small(database_uri: str) -> Iterator[Flask]:
    """A host with room for two expensive reads of a user, and three of a tenant."""
    app = make_host(database_uri, AIAGENTS_EXPENSIVE_READS_PER_USER=2, AIAGENTS_EXPENSIVE_READS_PER_TENANT=3)
    assert Clients.of(app).alice.post(f"/api{LOGS}", json=[{"action": "chat"}] * 3).status_code == 201
    yield app
    close(app)


def _open_export(client: Any) -> Any:
    """An export whose reader does not read it."""
    response = client.get(f"/api{LOGS}/export", buffered=False)
    assert response.status_code == 200
    return response


@pytest.mark.requirement("R44")
def test_expensive_reads_at_once_are_limited(small: Flask) -> None:
    """One too many is a 429 with Retry-After, whatever kind it is; cheap reads and other tenants go on."""
    clients = Clients.of(small)
    exports = [_open_export(clients.alice) for _ in range(2)]
    for path in EXPENSIVE:
        refused = clients.alice.get(f"/api{path}")
        assert (refused.status_code, refused.json["code"]) == (429, "too_many_at_once"), path
        assert int(refused.headers["Retry-After"]) > 0
    counted = clients.alice.get(f"/api{LOGS}", headers={"Prefer": "count=exact"})
    assert counted.status_code == 429
    for path in CHEAP:
        assert clients.alice.get(f"/api{path}").status_code == 200, path
    for path in EXPENSIVE:
        assert clients.charlie.get(f"/api{path}").status_code == 200, path
    exports.pop().close()
    assert clients.alice.get(f"/api{PATTERN}").status_code == 200
    exports.pop().close()


@pytest.mark.requirement("R44")
@pytest.mark.requirement("R46")
def test_a_tenant_is_limited_whatever_its_users(small: Flask) -> None:
    """Users of one tenant share its limit; a read that ended, or whose reader left, counts no longer."""
    clients = Clients.of(small)
    exports = [_open_export(clients.alice), _open_export(clients.alice), _open_export(clients.bob)]
    refused = clients.bob.get(f"/api{PATTERN}")
    assert refused.status_code == 429
    assert "tenant" in refused.json["message"]
    assert len(b"".join(exports.pop().response)) > 0
    assert clients.bob.get(f"/api{PATTERN}").status_code == 200
    exports.clear()  # nobody closes them
    gc.collect()
    assert clients.alice.get(f"/api{PATTERN}").status_code == 200


def test_a_refused_export_frees_its_slot(small: Flask) -> None:
    """Exports that end in an error before they begin do not count."""
    alice = Clients.of(small).alice
    for _ in range(5):
        assert alice.get(f"/api{LOGS}/export?nothing=eq.1").status_code == 400
    assert alice.get(f"/api{LOGS}/export").status_code == 200


def test_the_limit_of_the_process_is_a_503() -> None:
    """A full process refuses everybody, for a moment; a slot is given back once."""
    slots = Slots("expensive queries", SlotLimits(per_process=2))
    first, second = slots.take(ALICE), slots.take(BOB)
    with pytest.raises(Unavailable) as refused:
        slots.take(BOB)
    assert refused.value.retry_after
    first.release()
    first.release()
    with slots.take(BOB), pytest.raises(Unavailable):
        slots.take(ALICE)
    second.release()


def test_no_limit_is_none() -> None:
    """0 admits any number; a limit of users alone counts each by itself."""
    slots = Slots("things", SlotLimits(per_user=1))
    held = [slots.take(ALICE), slots.take(BOB)]
    with pytest.raises(RateLimited):
        slots.take(BOB)
    assert len(held) == 2


@pytest.mark.requirement("R44")
@pytest.mark.requirement("R53")
def test_each_attack_is_answered(any_host: Flask) -> None:
    """Patterns, lists, groups and reports that ask for the most are answered or refused, on every database."""
    alice = Clients.of(any_host).alice
    row = {"action": "chat", "request_data": {"input": HOSTILE_TEXT}}
    assert alice.post(f"/api{LOGS}", json=[row] * 2).status_code == 201
    for name, path in (*PATTERNS, *QUERIES):
        response = alice.get(f"/api{path}")
        assert response.status_code in (200, 400), (name, response.text)
        if response.status_code == 400:
            assert response.json["hint"], name
