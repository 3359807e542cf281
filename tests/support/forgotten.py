"""Two tenants and an operator with users of one id, one of whom is to be forgotten."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Flask

from flask_aiagents import Principal, Role
from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.columns import Base
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.analytics.figures import Figures
from flask_aiagents.features.analytics.levels import KEY, id_of
from flask_aiagents.features.analytics.models import Usage

from .cast import ALICE, OFFLINE, ROOT
from .usage import past, roll_up, write

CANARY = "canary-7"
"""A user id, and what that user writes."""

SECRET = "xyzzy"
"""What acme writes."""

EVE = Principal(CANARY, "acme", Role.TENANT_ADMIN)
NAMESAKE = Principal(CANARY, "globex", Role.TENANT_ADMIN)
OPERATOR = Principal(CANARY, None, Role.SUPER_ADMIN)

Rows = dict[str, list[str]]

OWNERLESS = {"ai_agent_claims", "ai_agent_sealed_days", "ai_agent_unrolled_logs"}
"""Tables that are no tenant's."""


def live(app: Flask, logs: int = 60) -> None:
    """A past in which something is in every table; half of it waits to be rolled up."""
    with app.app_context():
        for who in (EVE, NAMESAKE, OPERATOR):
            _work(app.extensions["aiagents"], who)
        for tenant in ("acme", "globex"):
            app.extensions["aiagents"].retention.set(tenant, 900, principal=ROOT)
        app.extensions["aiagents"].agents.create({"name": "Hers", "model_config": OFFLINE}, principal=ALICE)
    lived = [_told(log, number) for number, log in enumerate(past(utcnow(), 20, logs))]
    write(app, lived[: logs // 2])
    roll_up(app)
    write(app, lived[logs // 2 :])


def _work(system: Any, who: Principal) -> None:
    word = SECRET if who is EVE else "fine"
    model = OFFLINE | {"system_prompt": word}
    agent = system.agents.create({"name": f"Desk {word}", "model_config": model}, principal=who)
    if who.tenant_id:
        given = {"configuration": {"system_prompt": word}, "is_active": True}
        system.configurations.put(agent.id, given, principal=who)
    key = {"api_key": f"sk-{word}-1234", "provider": "openai"}
    system.credentials.put_for_agent(agent.id, key, principal=who)
    system.keys.create({"name": f"Own {word}"}, principal=who)
    role = "user" if who.tenant_id else "super_admin"
    system.keys.create({"name": f"Till {word}", "user_id": "till", "role": role}, principal=who)


def _told(log: dict[str, Any], number: int) -> dict[str, Any]:
    word = SECRET if log["tenant_id"] == "acme" else "fine"
    if number % 2:
        log = log | {"user_id": CANARY}
        word = f"{word} {CANARY}"
    return log | {"request_data": {"input": word}, "response_data": {"output": word}, "agent_name": f"Desk {word}"}


def dump(app: Flask) -> Rows:
    """Every row of every table of ours, as text."""
    database = app.extensions["aiagents"].database
    with app.app_context(), database.transaction(SYSTEM) as session:
        connection = session.connection()
        return {
            table: sorted(map(repr, connection.exec_driver_sql(f"SELECT * FROM {table}")))
            for table in Base.metadata.tables
        }


def sums(app: Flask) -> dict[Any, Any]:
    """All figures of all levels, by all that tells rows apart but the user."""
    totals: dict[Any, Figures] = {}
    with app.app_context(), app.extensions["aiagents"].database.transaction(SYSTEM) as session:
        for row in session.scalars(sa.select(Usage)):
            key = {name: getattr(row, name) for name in KEY}
            assert row.id == id_of(tuple(key.values()))  # pyright: ignore[reportArgumentType]
            totals.setdefault(tuple(key[name] for name in KEY if name != "user_id"), Figures()).add(row)
    return {key: (figures.full(), figures.last_used_at) for key, figures in totals.items()}
