from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import ALICE, BOB, ROOT, Clients, make_agent
from support.dying import Died, dying_at
from support.logs import begin
from support.usage import analytics_of, ask, counted, exact, past, roll_up, write

from flask_aiagents.core.claims import alone
from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.errors import Forbidden, Invalid, NotFound
from flask_aiagents.features.activity.models import ActivityLog
from flask_aiagents.features.activity.removal import ROLLUPS
from flask_aiagents.features.activity.retention import Retention
from flask_aiagents.features.activity.rules import expiries, longest
from flask_aiagents.features.analytics.period import Period

DAY = timedelta(days=1)

SETTING = {"execute": 30, "*": 60}
RULES = [("acme", "*", 10), ("globex", "note", 5), ("globex", "call", 0)]


def retention_of(app: Flask, setting: dict[str, int] = SETTING) -> Retention:
    """A fresh service, as after a start of the process."""
    system = app.extensions["aiagents"]
    return Retention(system.database, system.access, setting)


def apply(app: Flask, now: datetime, **options: Any) -> int:
    with app.app_context():
        return retention_of(app).apply(now, **options)


def set_rules(app: Flask) -> None:
    with app.app_context():
        for tenant_id, action, days in RULES:
            retention_of(app).set(tenant_id, days, action=action, principal=ROOT)


def mixed(now: datetime, count: int, seed: int = 1) -> list[dict[str, Any]]:
    """A hundred days of executions, notes and calls of both tenants and of none."""
    dice, logs = random.Random(seed), past(now, 100, count, seed)
    return [log | {"action": dice.choice(["execute", "execute", "note", "call"])} for log in logs]


def days_of(log: Any) -> int:
    """How long a log is kept, as the documentation says it."""
    own = {(tenant, action): days for tenant, action, days in RULES}
    asked = [(log["tenant_id"], log["action"]), (log["tenant_id"], "*")]
    found = [own[key] for key in asked if key in own]
    return found[0] if found else SETTING.get(log["action"], SETTING["*"])


def kept(logs: list[dict[str, Any]], now: datetime) -> set[UUID]:
    """The ids of those that are not too old."""
    return {log["id"] for log in logs if not days_of(log) or log["created_at"] >= now - days_of(log) * DAY}


def stored(app: Flask) -> set[UUID]:
    with app.app_context(), app.extensions["aiagents"].database.transaction(SYSTEM) as session:
        names = ("execute", "note", "call")
        return set(session.scalars(sa.select(ActivityLog.id).where(ActivityLog.action.in_(names))))


def figures(app: Flask) -> dict[str, Any]:
    return exact(ask(app, "summary", Period.recent("120d")))


def executions(logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [log for log in logs if log["action"] == "execute"]


def test_each_log_leaves_when_its_own_rule_says(any_host: Flask) -> None:
    """A tenant's rule comes before the setting, an action's before that for all; 0 is for good; figures stay."""
    now = utcnow()
    logs = mixed(now, 1_500)
    write(any_host, logs)
    roll_up(any_host)
    set_rules(any_host)
    before, told = figures(any_host), []
    assert before == counted(executions(logs))
    apply(any_host, now, tell=told.append)
    assert stored(any_host) == kept(logs, now)
    assert 300 < len(stored(any_host)) < 1_200
    assert figures(any_host) == before
    assert told
    assert apply(any_host, now) == 0


def test_what_is_not_counted_yet_or_still_runs_stays(any_host: Flask) -> None:
    """Old logs wait for the rollups, and old executions for their end."""
    now = utcnow()
    logs = [log | {"tenant_id": "acme"} for log in past(now - 20 * DAY, 5, 50)]
    agent = make_agent(Clients.of(any_host).alice)
    running = begin(any_host, agent["id"], principal=BOB, at=now - 20 * DAY, lease=timedelta(days=30))
    write(any_host, logs)
    set_rules(any_host)
    apply(any_host, now)
    assert stored(any_host) == {log["id"] for log in logs} | {running}
    roll_up(any_host)
    apply(any_host, now)
    assert stored(any_host) == {running}
    assert figures(any_host) == counted(logs)


def test_killed_at_any_statement_it_goes_on_where_it_was(any_host: Flask) -> None:
    """Whatever statement is the last, nothing leaves that should stay, no figure changes, the next ends it."""
    now = utcnow()
    logs = mixed(now, 120)
    write(any_host, logs)
    roll_up(any_host)
    set_rules(any_host)
    number = 0
    for number in itertools.count(1):
        with dying_at(any_host, number):
            try:
                apply(any_host, now)
                break
            except Died:
                pass
        assert stored(any_host) >= kept(logs, now), number
    assert number > 10
    assert stored(any_host) == kept(logs, now)
    assert figures(any_host) == counted(executions(logs))


def test_days_that_logs_have_left_are_not_summed_anew(any_host: Flask) -> None:
    """A rebuild passes over exactly them and says so; days of which all is there, if any, are made anew."""
    now = utcnow()
    logs = executions(mixed(now, 400))
    write(any_host, logs)
    roll_up(any_host)
    set_rules(any_host)
    apply(any_host, now)
    told: dict[datetime, int | None] = {}
    with any_host.app_context():
        analytics_of(any_host).rebuild(now - 100 * DAY, now + DAY, tell=told.__setitem__)
    assert figures(any_host) == counted(logs)
    left = {day_of(log) for log in logs if log["id"] not in kept(logs, now)}
    whole = Counter(day_of(log) for log in logs if day_of(log) not in left)
    assert told == {day: None if day in left else whole[day] for day in told}
    assert left < told.keys()
    assert 0 in told.values()
    assert whole


def day_of(log: Any) -> datetime:
    return log["created_at"].replace(hour=0, minute=0, second=0, microsecond=0)


def test_rules_that_are_changed_meanwhile_hold_at_once(any_host: Flask) -> None:
    """What an operator says while logs are being deleted is what the rest of them are deleted by."""
    now = utcnow()
    logs = [log | {"tenant_id": "acme"} for log in past(now - 20 * DAY, 5, 1_200)]
    write(any_host, logs)
    roll_up(any_host)
    with any_host.app_context():
        service = retention_of(any_host)
        service.set("acme", 10, principal=ROOT)
        told: list[str] = []

        def change(said: str) -> None:
            told.append(said)
            service.set("acme", 0, principal=ROOT)

        assert service.apply(now, tell=change) == 500
    assert told == ["500 logs of acme, other actions"]
    assert len(stored(any_host)) == 700


def test_whoever_deletes_by_the_old_rules_is_waited_for(any_host: Flask) -> None:
    """A rule that is set or taken away holds for all that is deleted after that."""

    def say(what: str, *given: Any) -> None:
        with any_host.app_context():
            getattr(retention_of(any_host), what)("acme", *given, principal=ROOT)

    changes: list[tuple[str, tuple[int, ...]]] = [("set", (10,)), ("unset", ())]
    for what, given in changes:
        with ThreadPoolExecutor(1) as pool:
            with any_host.app_context(), alone(any_host.extensions["aiagents"].database, ROLLUPS):
                changed = pool.submit(say, what, *given)
                time.sleep(0.3)
                assert not changed.done()
            changed.result(30)


def test_a_tick_stops_in_time_and_the_next_goes_on(any_host: Flask) -> None:
    """Each call deletes one batch at least, however little time there is."""
    now = utcnow()
    logs = [log | {"tenant_id": None} for log in past(now - 90 * DAY, 5, 1_200)]
    write(any_host, logs)
    roll_up(any_host)
    with any_host.app_context():
        service = retention_of(any_host)
        service.set("acme", 0, principal=ROOT)  # so that PostgreSQL does not drop all at once
        left = [service.apply(now, seconds=0.0001) for _ in range(4)]
    assert left == [500, 500, 200, 0]


def test_each_log_falls_under_exactly_one_expiry() -> None:
    """Whatever the setting and the rules are."""
    dice = random.Random(7)
    actions, tenants = ["execute", "note", "call", "*"], ["a", "b", "c"]
    for _ in range(200):
        setting = {action: dice.randrange(4) for action in dice.sample(actions, dice.randrange(4))}
        pairs = [(tenant, action) for tenant in tenants for action in actions]
        rules = [
            SimpleNamespace(tenant_id=tenant, action=action, days=dice.randrange(4))
            for tenant, action in dice.sample(pairs, dice.randrange(6))
        ]
        found = expiries(setting, rules)
        for tenant, action in itertools.product([*tenants, "d", None], ["execute", "note", "call", "other"]):
            holding = [one.days for one in found if _holds(one, tenant, action)]
            assert len(holding) == 1, (setting, rules, tenant, action)
            assert longest(found) == 0 or holding[0] <= longest(found)


def _holds(one: Any, tenant: str | None, action: str) -> bool:
    whose = tenant == one.tenant_id if one.tenant_id else tenant not in one.without_tenants
    return whose and (action == one.action if one.action else action not in one.without_actions)


def test_only_operators_say_how_long(any_host: Flask) -> None:
    """A tenant's admin may not, and what cannot be is refused in words."""
    with any_host.app_context():
        service = retention_of(any_host)
        for principal in (ALICE, BOB):
            with pytest.raises(Forbidden):
                service.set("acme", 10, principal=principal)
            with pytest.raises(Forbidden):
                service.list(principal=principal)
        with pytest.raises(Invalid) as refused:
            service.set("", -1, action="DROP TABLE", principal=ROOT)
        assert set(refused.value.details) == {"tenant_id", "days", "action"}
        with pytest.raises(NotFound):
            service.unset("acme", principal=ROOT)


def test_a_rule_is_in_the_log_of_the_tenant(any_host: Flask) -> None:
    """Who set it, and to what, is there to read; setting it again changes it, taking it away is noted, too."""
    with any_host.app_context():
        service = retention_of(any_host)
        service.set("acme", 10, principal=ROOT)
        service.set("acme", 20, principal=ROOT)
        assert [(rule.tenant_id, rule.action, rule.days) for rule in service.list(principal=ROOT)] == [
            ("acme", "*", 20)
        ]
        service.unset("acme", principal=ROOT)
        assert service.list(principal=ROOT) == []
    logs = Clients.of(any_host).alice.get("/api/ai_agent_activity_logs?action=eq.set_retention&order=id").json
    assert [log["request_data"] for log in logs] == [
        {"logs_of": "*", "days": 10},
        {"logs_of": "*", "days": 20},
        {"logs_of": "*", "days": None},
    ]
    assert {log["user_id"] for log in logs} == {"root"}
