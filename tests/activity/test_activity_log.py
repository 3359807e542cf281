from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import ALICE, BOB, CHARLIE, OFFLINE, ROOT, Clients, make_agent
from support.logs import activity_of, begin, execution, finish

from flask_aiagents.core.clock import uuid7_time
from flask_aiagents.core.principal import Principal, Role
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.errors import AIAgentsError
from flask_aiagents.features.activity.models import ActivityLog
from flask_aiagents.features.activity.payload import MAX_BYTES

URL = "/api/ai_agent_activity_logs"


def test_a_log_goes_from_running_to_its_end_once(any_host: Flask, any_clients: Clients) -> None:
    """An execution's row is running first, ended with everything known, and a second end changes nothing."""
    agent = make_agent(any_clients.alice)
    log_id = begin(any_host, agent["id"])
    running = any_clients.bob.get(f"{URL}/{log_id}").json
    assert (running["status"], running["duration_ms"], running["cost_usd"]) == ("running", None, None)
    assert running["request_data"] == {"input": "hi"}
    assert finish(any_host, log_id, cost_usd=Decimal("0.000000000123"), attempts=[{"model": "gpt-4o-mini"}])
    ended = any_clients.bob.get(f"{URL}/{log_id}").json
    assert (ended["status"], ended["duration_ms"], ended["tokens_used"]) == ("success", 12, 7)
    assert (ended["cost_usd"], ended["unpriced"]) == ("0.000000000123", False)
    assert ended["attempts"] == [{"model": "gpt-4o-mini"}]
    assert not finish(any_host, log_id, status="error", error="timeout")
    assert any_clients.bob.get(f"{URL}/{log_id}").json == ended


def test_created_at_is_the_time_in_the_id(any_host: Flask, any_clients: Clients) -> None:
    """A log's time is its id's millisecond, so logs can be parted by id."""
    log_id = execution(any_host, make_agent(any_clients.alice)["id"])
    with any_host.app_context():
        assert activity_of(any_host).get(log_id, principal=BOB).created_at == uuid7_time(log_id)


def test_r35_a_log_is_committed_before_the_model_is_asked(host: Flask, clients: Clients) -> None:
    """Once begin returns, another connection reads the row; nothing waits in memory."""
    log_id = begin(host, make_agent(clients.alice)["id"])
    engine = sa.create_engine(host.config["SQLALCHEMY_DATABASE_URI"], poolclass=sa.NullPool)
    with engine.connect() as connection:
        found = connection.execute(
            sa.text("SELECT status FROM ai_agent_activity_logs WHERE id = :id"), {"id": log_id.hex}
        )
        assert found.scalar() == "running"


def test_each_role_sees_its_part_of_the_log(any_host: Flask, any_clients: Clients) -> None:
    """bob sees his own logs, alice acme's, charlie globex's, root all; a log out of sight is a 404."""
    acme, globex = make_agent(any_clients.alice)["id"], make_agent(any_clients.charlie)["id"]
    logs = {
        "alice": execution(any_host, acme, principal=ALICE),
        "bob": execution(any_host, acme, principal=BOB),
        "charlie": execution(any_host, globex, principal=CHARLIE),
        "root": execution(any_host, acme, principal=ROOT),
    }
    seen = {"alice": {"alice", "bob"}, "bob": {"bob"}, "charlie": {"charlie"}, "root": set(logs)}
    for who, visible in seen.items():
        client = getattr(any_clients, who)
        listed = {log["id"] for log in client.get(f"{URL}?action=eq.execute").json}
        assert listed == {str(logs[name]) for name in visible}, who
        for name, log_id in logs.items():
            answer = client.get(f"{URL}/{log_id}")
            assert answer.status_code == (200 if name in visible else 404), (who, name)
            if name not in visible:
                absent = uuid4()
                assert answer.text.replace(str(log_id), str(absent)) == client.get(f"{URL}/{absent}").text
    assert any_clients.nobody.get(URL).status_code == 401
    assert {log["id"] for log in any_clients.bob.get(f"/api/ai_agents/{acme}/activity_logs").json} == {
        str(logs["bob"])
    }
    assert any_clients.charlie.get(f"/api/ai_agents/{acme}/activity_logs").status_code == 404


def test_nobody_ends_anothers_log(any_host: Flask, any_clients: Clients) -> None:
    """A running row of another tenant or user stays as it is."""
    log_id = begin(any_host, make_agent(any_clients.alice)["id"], principal=BOB)
    assert not finish(any_host, log_id, principal=CHARLIE)
    assert not finish(any_host, log_id, principal=Principal("eve", "acme", Role.USER))
    assert finish(any_host, log_id, principal=BOB)


def test_history_outlives_its_agent(any_host: Flask, any_clients: Clients) -> None:
    """A deleted agent's logs are listed by its id with its name, while its own list is a 404."""
    agent = make_agent(any_clients.alice, "Mortal")
    log_id = begin(any_host, agent["id"], agent_name="Mortal")
    finish(any_host, log_id)
    assert any_clients.alice.delete(f"/api/ai_agents/{agent['id']}").status_code == 204
    assert any_clients.alice.get(f"/api/ai_agents/{agent['id']}/activity_logs").status_code == 404
    listed = any_clients.alice.get(f"{URL}?agent_id=eq.{agent['id']}&order=created_at.asc").json
    assert [log["action"] for log in listed] == ["create", "execute", "delete"]
    assert {log["agent_name"] for log in listed} == {"Mortal"}


def test_the_list_speaks_the_dialect(any_host: Flask, any_clients: Clients) -> None:
    """Logs are filtered, ordered, cut and paged by their declared columns; others are a 400."""
    agent = make_agent(any_clients.alice)["id"]
    for number in range(7):
        execution(any_host, agent, duration_ms=number, status="error" if number % 2 else "success")
    url = f"{URL}?status=eq.error&duration_ms=gte.2&select=duration_ms,request_data&order=created_at.asc&limit=1"
    first = any_clients.alice.get(url)
    assert first.json == [{"duration_ms": 3, "request_data": {"input": "hi"}}]
    second = any_clients.alice.get(first.headers["Link"].split(">")[0][1:])
    assert second.json[0]["duration_ms"] == 5
    assert len(any_clients.alice.get(f"{URL}?cost_usd=eq.0.1&request_data->>input=eq.hi").json) == 7
    assert any_clients.alice.get(f"{URL}?lease_until=gt.2020-01-01").status_code == 400
    assert any_clients.alice.get(f"{URL}?order=duration_ms").status_code == 400


def test_long_payloads_are_cut_and_marked(any_host: Flask, any_clients: Clients) -> None:
    """Of a payload over 64 KB the log keeps the beginning and says so."""
    agent = make_agent(any_clients.alice)["id"]
    payloads = [
        {"text": "x" * 200_000},
        {"text": "😀" * 20_000},
        ["a\x00b" * 40_000],
        {"nested": {"k" * 70_000: 1}},
    ]
    for payload in payloads:
        log_id = begin(any_host, agent, request_data=payload)
        finish(any_host, log_id, response_data=payload)
        log = any_clients.bob.get(f"{URL}/{log_id}").json
        for name in ("request_data", "response_data"):
            assert log[name]["truncated"] is True
            assert log[name]["bytes"] > MAX_BYTES
            assert len(json.dumps(log[name], ensure_ascii=False).encode()) <= MAX_BYTES + 200


def test_r28_r29_odd_output_is_scrubbed_and_never_loses_the_log(any_host: Flask, any_clients: Clients) -> None:
    """NUL, half characters, NaN, endless nesting and overlong words end up in a log that can be read."""
    deep: list[Any] = []
    for _ in range(3000):
        deep = [deep]
    odd = [
        {"nul": "a\x00b", "half": "\ud800", "k\x00": "\ud83d\ude00"},
        [float("nan"), float("inf"), 2**70],
        deep,
        {1: object},
    ]
    agent = make_agent(any_clients.alice)["id"]
    for payload in odd:
        log_id = begin(any_host, agent, request_data=payload)
        assert finish(
            any_host,
            log_id,
            response_data=payload,
            attempts=[{"error": "bad\x00"}],
            model="m\x00" * 300,
            finish_reason="stop\x00" + "p" * 100,
            error="e" * 100,
            duration_ms=-5,
        )
        log = any_clients.bob.get(f"{URL}/{log_id}").json
        assert (log["status"], log["duration_ms"]) == ("success", 0)
        assert "\x00" not in json.dumps(log)
        assert "NaN" not in any_clients.bob.get(f"{URL}/{log_id}").text
    first = any_clients.bob.get(f"{URL}?action=eq.execute&order=created_at.asc&limit=1").json[0]
    assert first["response_data"]["nul"] == "ab"


def test_changes_are_logged_with_who_and_what(any_clients: Clients) -> None:
    """Making, changing, configuring and deleting an agent, keys and credentials leave one log each."""
    agent = make_agent(any_clients.alice, "Watched", model_config={"provider": "openai", "model": "gpt-4o-mini"})
    url = f"/api/ai_agents/{agent['id']}"
    any_clients.alice.patch(url, json={"description": "new"})
    any_clients.alice.put(f"{url}/configuration", json={"configuration": {"temperature": 1}})
    assert any_clients.alice.put(f"{url}/credential", json={"api_key": "sk-canary-0123456789"}).status_code < 300
    key = any_clients.alice.post("/api/ai_agent_api_keys", json={"name": "ci", "role": "user"}).json
    any_clients.alice.delete(f"/api/ai_agent_api_keys/{key['id']}")
    any_clients.alice.delete(url)
    answer = any_clients.alice.get(f"{URL}?order=created_at.asc")
    actions = [log["action"] for log in answer.json]
    assert actions == ["create", "update", "configure", "store_credential", "create_key", "revoke_key", "delete"]
    assert {(log["user_id"], log["tenant_id"], log["source"], log["status"]) for log in answer.json} == {
        ("alice", "acme", "system", "success")
    }
    assert answer.json[1]["request_data"] == {"description": "new"}
    assert answer.json[0]["agent_id"] == agent["id"]
    assert "canary" not in answer.text
    assert key["token"] not in answer.text


def test_a_change_that_cannot_be_logged_is_undone(host: Flask, clients: Clients) -> None:
    """When the log cannot be written the change fails and nothing of it stays."""
    with host.app_context():
        engine = host.extensions["aiagents"].database.engine
        with engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE ai_agent_activity_logs RENAME TO away"))
        made = clients.alice.post("/api/ai_agents", json={"name": "Ghost", "model_config": OFFLINE})
        with engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE away RENAME TO ai_agent_activity_logs"))
    assert made.status_code >= 500
    assert clients.alice.get("/api/ai_agents").json == []


def test_f19_10000_concurrent_logs_are_all_there(any_host: Flask, any_clients: Clients) -> None:
    """From 16 threads, executions and posted logs alike: the count and the sums are exact."""
    agent = make_agent(any_clients.alice)["id"]
    posted = [{"action": "execute", "agent_id": agent, "cost_usd": "0.1", "tokens_used": 7}] * 24

    def work(_: int) -> None:
        execution(any_host, agent)
        client = any_host.test_client()
        client.environ_base = any_clients.alice.environ_base
        answer = client.post(URL, json=posted, headers={"Prefer": "return=minimal"})
        assert answer.status_code == 201, answer.text

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(400)))
    wanted = sa.select(
        sa.func.count(),
        sa.func.count(sa.distinct(ActivityLog.id)),
        sa.func.sum(ActivityLog.cost_usd),
        sa.func.sum(ActivityLog.tokens_used),
    )
    with any_host.app_context(), any_host.extensions["aiagents"].database.transaction(SYSTEM) as session:
        count, distinct, cost, tokens = session.execute(wanted.where(ActivityLog.action == "execute")).one()
    assert (count, distinct, cost, tokens) == (10_000, 10_000, Decimal(1000), 70_000)


def test_a_super_admin_without_a_tenant_is_logged_without_one(any_host: Flask, any_clients: Clients) -> None:
    """root's own executions belong to no tenant and only root sees them; acting for acme they are acme's."""
    shared = make_agent(any_clients.root, "Shared")["id"]
    alone = execution(any_host, shared, principal=ROOT)
    acting = execution(any_host, shared, principal=ROOT.acting_for("acme"))
    assert any_clients.root.get(f"{URL}/{alone}").json["tenant_id"] is None
    assert any_clients.alice.get(f"{URL}/{alone}").status_code == 404
    assert any_clients.alice.get(f"{URL}/{acting}").json["tenant_id"] == "acme"


def test_the_service_asks_for_permission(host: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """Host code without a principal gets a 401, and no half-made answer."""
    caplog.set_level(logging.ERROR)
    with host.app_context():
        activity = activity_of(host)
        for call in (
            activity.list,
            lambda: activity.get(UUID(int=0)),
            lambda: activity.record_many([{"action": "a"}]),
        ):
            with pytest.raises(AIAgentsError) as caught:
                call()
            assert caught.value.code == 401
