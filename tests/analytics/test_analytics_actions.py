from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import ALICE, BOB, CHARLIE, ROOT, Clients, make_agent
from support.logs import begin, execution, finish
from support.usage import analytics_of, ask, counted, exact, past, roll_up, write

from flask_aiagents.core.principal import Principal
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.analytics.levels import id_of
from flask_aiagents.features.analytics.models import Usage
from flask_aiagents.features.analytics.period import Period

END = datetime(2026, 3, 31, 10, 20, 30, tzinfo=UTC)
PERIOD = Period(END - timedelta(days=4, hours=5), END)


def _mixed() -> list[dict[str, Any]]:
    dice = random.Random(5)
    return [log | {"action": dice.choice(["execute", "execute", "click", "test"])} for log in past(END, 6, 400)]


def _sees(who: Principal, log: dict[str, Any]) -> bool:
    own = who.tenant_id == log["tenant_id"] and (who is not BOB or log["user_id"] == "bob")
    return (who is ROOT or own) and PERIOD.start <= log["created_at"] < END


def _by_action(app: Flask, who: Principal, period: Period = PERIOD) -> dict[str, Any]:
    return {line["key"]: exact(line) for line in ask(app, "usage", period, by="action", principal=who)}


def _check(app: Flask, logs: list[dict[str, Any]]) -> None:
    for who in (ALICE, BOB, CHARLIE, ROOT):
        expected: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for log in logs:
            if _sees(who, log):
                expected[log["action"]].append(log)
        assert _by_action(app, who) == {action: counted(some) for action, some in expected.items()}, who
        assert exact(ask(app, "summary", PERIOD, principal=who)) == counted(expected["execute"]), who


def test_each_action_has_the_sums_of_its_logs(any_host: Flask) -> None:
    """For each of the cast what it may see, whatever is rolled up; all other figures are of executions alone."""
    logs = _mixed()
    write(any_host, logs[:250])
    _check(any_host, logs[:250])
    assert roll_up(any_host) == 250
    write(any_host, logs[250:])
    _check(any_host, logs)
    assert roll_up(any_host) == 150
    _check(any_host, logs)


def test_whatever_is_logged_is_told_by_its_action(any_host: Flask, any_clients: Clients) -> None:
    """Changes, executions, tests of keys and what clients post, each as often as it was logged; not what runs."""
    agent = make_agent(any_clients.alice)["id"]
    any_clients.alice.patch(f"/api/ai_agents/{agent}", json={"description": "Knows all."})
    execution(any_host, agent)
    begin(any_host, agent)
    assert finish(any_host, begin(any_host, agent, action="test"), status="error", error="timeout")
    any_clients.bob.post("/api/ai_agent_activity_logs", json=[{"action": "click"}, {"action": "click"}])
    any_clients.alice.post("/api/ai_agent_activity_logs", json={"action": "click", "status": "error"})
    url = "/api/ai_agent_analytics/usage?by=action&last=2d"
    for _ in range(2):
        seen = [
            {row["key"]: (row["executions"], row["failed"]) for row in client.get(url).json["rows"]}
            for client in (any_clients.alice, any_clients.bob, any_clients.charlie)
        ]
        assert seen == [
            {"click": (3, 1), "create": (1, 0), "update": (1, 0), "execute": (1, 0), "test": (1, 1)},
            {"click": (2, 0), "execute": (1, 0), "test": (1, 1)},
            {},
        ]
        assert roll_up(any_host) in (7, 0)


def test_a_rebuild_brings_what_was_logged_before_the_upgrade(any_host: Flask) -> None:
    """Sums by action that are missing are there after the days were summed anew."""
    logs = _mixed()
    write(any_host, logs)
    roll_up(any_host)
    with any_host.app_context(), any_host.extensions["aiagents"].database.transaction(SYSTEM) as session:
        session.execute(sa.delete(Usage).where(Usage.action.is_not(None)))
    with any_host.app_context():
        assert analytics_of(any_host).rebuild(END - timedelta(days=7), END) == 400
    _check(any_host, logs)


def test_rows_are_found_again_by_every_version() -> None:
    """The id of a system's row is that of former versions; a row of an action or of a client has its own."""
    day = datetime(2026, 3, 29, tzinfo=UTC)
    key = ("detail", "day", day, "acmé", UUID(int=5), 'b"ob', None, "gpt", "error", "timeout")
    assert id_of((*key, None, "system")) == UUID("034c6074-ad18-552c-a711-6a1b54a6d304")
    kinds = [
        (action, source) for action in (None, "click", "client") for source in ("system", "client", "unknown")
    ]
    assert len({id_of((*key, *kind)) for kind in kinds}) == len(kinds)


@pytest.mark.parametrize("rolled", [False, True])
def test_the_actions_of_one_agent_and_of_its_user(any_host: Flask, rolled: bool) -> None:
    """What was done with an agent is told by action, to an admin of all and to a user of its own."""
    logs = _mixed()
    write(any_host, logs)
    if rolled:
        roll_up(any_host)
    for who in (ALICE, BOB):
        mine = [log for log in logs if _sees(who, log)]
        for agent_id in {log["agent_id"] for log in mine} - {None}:
            rows = ask(any_host, "usage", PERIOD, by="action", agent_id=agent_id, principal=who)
            told = {row["key"]: row["executions"] for row in rows}
            assert told == Counter(log["action"] for log in mine if log["agent_id"] == agent_id)
