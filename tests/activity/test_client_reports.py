"""Client-reported activity: what clients may report, and how it differs from the system's own records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, get_args, get_type_hints
from uuid import UUID

import pytest
from flask import Flask
from support.cast import Clients, make_agent
from support.hosts import close, make_host
from support.usage import write

from flask_aiagents import AIAgents, Policy, Role, signals
from flask_aiagents.actions import SYSTEM_ACTIONS, Action
from flask_aiagents.core.clock import uuid7, uuid7_time
from flask_aiagents.features.access.policy import Permission
from flask_aiagents.features.activity.columns import COLUMNS

URL = "/api/ai_agent_activity_logs"

LENIENT = {"Prefer": "handling=lenient"}


def _actions_of_events() -> Iterator[str]:
    for event in signals.Event.__subclasses__():
        yield from get_args(get_type_hints(event).get("change")) or [event.action]


def test_every_recorded_action_is_known() -> None:
    """Each event of the system records an action that the closed list has, so clients cannot report it."""
    assert set(_actions_of_events()) | {"test"} == {action.value for action in Action}


@pytest.mark.requirement("R52")
@pytest.mark.parametrize("action", sorted(SYSTEM_ACTIONS))
def test_actions_of_the_system_cannot_be_reported(clients: Clients, action: str) -> None:
    """One object, an array and a lenient array: an admin's report of such an action is refused by name."""
    single = clients.alice.post(URL, json={"action": action})
    assert (single.status_code, list(single.json["details"])) == (422, ["action"])
    assert action in single.json["details"]["action"][0]
    assert clients.root.post(URL, json=[{"action": "click"}, {"action": action}]).status_code == 422
    made = clients.alice.post(URL, json=[{"action": "click"}, {"action": action}], headers=LENIENT)
    assert (made.status_code, made.json["refused"]) == (201, [1])
    assert [log["action"] for log in clients.alice.get(URL).json] == ["click"]


USAGE = (
    {"action": "execute"},
    {"action": "test"},
    *({"action": "click", name: 1} for name in ("tokens_used", "input_tokens", "output_tokens", "cached_tokens")),
    *({"action": "click", "cost_usd": cost} for cost in ("9000000", "0.000000000001", 5)),
)


@pytest.mark.requirement("R52")
@pytest.mark.parametrize("item", USAGE, ids=str)
def test_usage_is_reported_by_those_who_may(clients: Clients, item: dict[str, Any]) -> None:
    """A user gets a 403 that names the fields, alone and in an array; admins of both kinds report it."""
    field = next(name for name in item if name != "action" or len(item) == 1)
    alone, among = clients.bob.post(URL, json=item), clients.bob.post(URL, json=[{"action": "click"}, item])
    assert (alone.status_code, set(alone.json["details"])) == (403, {field})
    assert "REPORT_USAGE" in alone.json["hint"]
    assert (among.status_code, set(among.json["details"])) == (403, {"1"})
    assert clients.bob.get(URL).json == []
    for client in (clients.alice, clients.root):
        assert client.post(URL, json=item).json["source"] == "client"


@pytest.mark.requirement("R52")
def test_a_lenient_array_keeps_what_is_no_usage(clients: Clients) -> None:
    """Items that report usage are refused one by one; nothing but usage is a 422 that names each."""
    free = {"action": "click", "duration_ms": 5, "tokens_used": 0, "cost_usd": None, "model": "mine"}
    made = clients.bob.post(URL, json=[*USAGE, free, {"action": "Click"}], headers=LENIENT)
    assert made.status_code == 201
    assert made.json["refused"] == [*range(len(USAGE)), len(USAGE) + 1]
    assert [log["action"] for log in made.json["items"]] == ["click"]
    assert "REPORT_USAGE" in made.json["errors"]["0"]["action"][0]
    refused = clients.bob.post(URL, json=[*USAGE], headers=LENIENT)
    assert (refused.status_code, len(refused.json["details"])) == (422, len(USAGE))


@pytest.mark.requirement("R52")
def test_a_host_may_let_users_report_usage(tmp_path: Path) -> None:
    """The permission is one of the policy's, so a host's own policy can grant it."""

    class Reporting(Policy):
        grants: ClassVar = {**Policy.grants, Role.USER: Policy.grants[Role.USER] | {Permission.REPORT_USAGE}}

    app = make_host(f"sqlite:///{tmp_path}/reporting.db", aiagents=AIAgents(policy=Reporting()))
    assert [Clients.of(app).bob.post(URL, json=item).status_code for item in USAGE] == [201] * len(USAGE)
    close(app)


@pytest.mark.requirement("R52")
def test_change_histories_have_the_systems_records_alone(host: Flask, clients: Clients) -> None:
    """A change that a client reported in former versions is marked in lists and absent from an agent's history."""
    agent = make_agent(clients.alice)
    log_id = uuid7()
    forged: dict[str, Any] = {
        "id": log_id,
        "agent_id": UUID(agent["id"]),
        "agent_name": "Helper",
        "user_id": "mallory",
    }
    forged |= {"tenant_id": "acme", "action": "update", "source": "client", "status": "success", "unpriced": False}
    write(host, [dict.fromkeys(COLUMNS.names) | forged | {"created_at": uuid7_time(log_id)}])
    page = clients.alice.get(f"/aiagents/agents/details/?id={agent['id']}").text
    history = page.split("Who changed what")[1].split("</section>")[0]
    assert "alice" in history
    assert "mallory" not in page
    assert "by a client" in clients.alice.get("/aiagents/activity/").text
    details = clients.alice.get(f"/aiagents/activity/details/?id={log_id}").text
    assert "by a client" in details
