from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Flask
from support.cast import ALICE, BOB, ROOT
from support.usage import analytics_of, ask, counted, exact, past, roll_up, write

from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.analytics.levels import ROLLED
from flask_aiagents.features.analytics.models import Usage
from flask_aiagents.features.analytics.period import Period
from flask_aiagents.features.analytics.words import MOST, OTHER

TALKATIVE = 3 * MOST
GRAINS = sum(map(len, ROLLED.values()))  # of all levels together


def of_bob(**values: Any) -> list[dict[str, Any]]:
    """Logs of one day; a value is text with a place for the number of the log."""
    bobs = {"tenant_id": "acme", "user_id": "bob", "agent_id": None, "status": "error", "source": "client"}
    return [
        log | bobs | {name: text.format(number) for name, text in values.items()}
        for number, log in enumerate(past(utcnow().replace(hour=12), 0, TALKATIVE))
    ]


def rows(app: Flask) -> int:
    """How many sums there are."""
    with app.app_context(), app.extensions["aiagents"].database.transaction(SYSTEM) as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Usage)) or 0


def test_clients_cannot_make_a_sum_of_every_log(any_host: Flask) -> None:
    """Beyond some hundred kinds a day there is one for all others, batch by batch; every total stays exact."""
    logs = of_bob(error="no order {}", model="model {}")
    for start in range(0, TALKATIVE, 100):
        write(any_host, logs[start : start + 100])
        assert roll_up(any_host) == 100
    assert rows(any_host) < GRAINS * (MOST + 20)
    for principal in (BOB, ALICE, ROOT):
        figures = ask(any_host, "summary", Period.recent("2d"), principal=principal)
        assert exact(figures) == counted(logs)
    kinds = ask(any_host, "errors", Period.recent("2d"), principal=ALICE)
    assert kinds[0]["error"] == OTHER
    assert kinds[0]["executions"] == TALKATIVE - MOST
    models = ask(any_host, "usage", Period.recent("2d"), by="model", principal=ALICE)
    assert models[0]["key"] == OTHER
    with any_host.app_context():
        assert analytics_of(any_host).rebuild(Period.recent("2d").start, utcnow()) == TALKATIVE
    assert rows(any_host) < GRAINS * (MOST + 20)
    assert exact(ask(any_host, "summary", Period.recent("2d"), principal=ALICE)) == counted(logs)


def test_actions_are_as_few(host: Flask) -> None:
    """A client that writes ids into its actions has one line for what is beyond."""
    write(host, of_bob(action="order.{}"))
    roll_up(host)
    lines = ask(host, "usage", Period.recent("2d"), by="action", principal=ALICE)
    assert (lines[0]["key"], lines[0]["executions"]) == (OTHER, TALKATIVE - MOST)


def test_our_own_words_are_always_told(host: Flask) -> None:
    """What clients write takes no room from the errors of executions."""
    own = [log | {"source": "system", "error": "rate_limited", "model": "own"} for log in of_bob()[:3]]
    write(host, of_bob(error="no order {}"))
    roll_up(host)
    write(host, own)
    roll_up(host)
    found = {row["error"]: row["executions"] for row in ask(host, "errors", Period.recent("2d"), principal=ALICE)}
    assert found["rate_limited"] == 3
    assert "own" in {row["name"] for row in ask(host, "usage", Period.recent("2d"), by="model", top=200)}
