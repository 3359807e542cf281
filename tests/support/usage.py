"""A made-up past for tests of figures, and the figures it must have."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from flask import Flask

from flask_aiagents.core.clock import uuid7_time
from flask_aiagents.core.principal import Principal
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.activity.models import ActivityLog
from flask_aiagents.features.activity.unrolled import note_ended
from flask_aiagents.features.analytics import rollups
from flask_aiagents.features.analytics.figures import Figures
from flask_aiagents.features.analytics.levels import ROLLED
from flask_aiagents.features.analytics.models import Usage
from flask_aiagents.features.analytics.service import Analytics

from .cast import ALICE, BOB, CHARLIE, ROOT
from .logs import log_id_at

AGENTS = [uuid4() for _ in range(3)]
MODELS = [("openai", "gpt-4o-mini"), ("anthropic", "claude"), (None, None)]
ENDS = [*[("success", None)] * 7, ("error", "rate_limited"), ("timeout", "timeout"), ("error", None)]


def analytics_of(app: Flask) -> Analytics:
    """The service of this app."""
    return app.extensions["aiagents"].analytics


def ask(app: Flask, name: str, *args: Any, principal: Principal = ROOT, **options: Any) -> Any:
    """What the service answers to this principal."""
    with app.app_context():
        return getattr(analytics_of(app), name)(*args, principal=principal, **options)


def roll_up(app: Flask, seconds: float | None = None, size: int = rollups.BATCH) -> int:
    """Roll up what is left, or as much as the time allows; how many logs that were."""
    with app.app_context():
        return rollups.roll_up(app.extensions["aiagents"].database, seconds=seconds, size=size)


def past(end: datetime, days: int, count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Ended executions of four users, two tenants and none, with skewed durations and awkward amounts."""
    dice = random.Random(seed)
    return [_log(dice, end - timedelta(seconds=dice.random() * days * 86_400)) for _ in range(count)]


def write(app: Flask, logs: list[dict[str, Any]]) -> None:
    """Keep these logs, all in one transaction, as a bulk POST does."""
    database = app.extensions["aiagents"].database
    with app.app_context(), database.transaction(SYSTEM) as session:
        session.insert_rows(ActivityLog, logs)
        note_ended(session, logs)


def sums(app: Flask) -> dict[tuple[str, str], dict[str, Any]]:
    """What the rows of each level and grain hold in all."""
    totals = {(level, grain): Figures() for level, grains in ROLLED.items() for grain in grains}
    with app.app_context(), app.extensions["aiagents"].database.transaction(SYSTEM) as session:
        for row in session.scalars(sa.select(Usage)):
            totals[row.level, row.grain].add(row)
    return {key: exact(figures.full()) for key, figures in totals.items()}


def _log(dice: random.Random, at: datetime) -> dict[str, Any]:
    who = dice.choice([ALICE, BOB, BOB, CHARLIE, ROOT])
    provider, model = dice.choice(MODELS)
    status, error = dice.choice(ENDS)
    tokens = dice.choice([None, dice.randrange(10**4), 2**53])
    log_id = log_id_at(at)
    return {
        "id": log_id,
        "agent_id": dice.choice([*AGENTS, None]),
        "agent_name": "Someone",
        "user_id": who.user_id,
        "tenant_id": who.tenant_id,
        "action": "execute",
        "duration_ms": dice.choice([None, int(dice.lognormvariate(7, 1.5))]),
        "tokens_used": tokens,
        "input_tokens": tokens,
        "output_tokens": None,
        "cached_tokens": tokens and tokens // 2,
        "provider": provider,
        "model": model,
        "cost_usd": Decimal(dice.randrange(10**15)).scaleb(-12) if tokens else None,
        "unpriced": dice.random() < 0.1,
        "status": status,
        "error": error,
        "created_at": uuid7_time(log_id),
        "source": dice.choice(["client", "client", "system"]),
    }


def counted(logs: list[dict[str, Any]]) -> dict[str, Any]:
    """The exact part of the figures of these logs."""
    succeeded = sum(log["status"] == "success" for log in logs)
    return {
        "executions": len(logs),
        "succeeded": succeeded,
        "failed": len(logs) - succeeded,
        "tokens_used": sum(log["tokens_used"] or 0 for log in logs),
        "cost_usd": sum((log["cost_usd"] or Decimal(0) for log in logs), Decimal(0)),
    }


def exact(figures: dict[str, Any]) -> dict[str, Any]:
    """The same part of an answer."""
    return {name: figures[name] for name in counted([])}


def agent_name_of(agent_id: UUID | None) -> str | None:
    """The name that figures give an agent that is known from the log alone."""
    return None if agent_id is None else "Someone"
