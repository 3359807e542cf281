"""Sixty days of made-up activity, so that every page of the panel has something to show.

Every log says that it is synthetic. The dice are the same each time; only the calendar moves on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from flask_aiagents import current_aiagents
from flask_aiagents.core.clock import utcnow, uuid7_from, uuid7_time
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.activity.models import ActivityLog
from flask_aiagents.features.activity.unrolled import note_ended
from flask_aiagents.features.agents.models import Agent
from flask_aiagents.features.analytics.period import LONGEST, Period

from .cast import ROOT, Person
from .history import BAD_DAY, DAYS, HOURS
from .runs import drawn, executed
from .work import FEEDBACK, WORK, Work

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_CARE = timedelta(hours=9, minutes=12)
"""The time of day at which agents are looked after."""
_LONGEST_RUN = timedelta(minutes=5)
"""Whatever began before then has ended by now."""
_BLANK: dict[str, Any] = dict.fromkeys(ActivityLog.__table__.columns.keys()) | {
    "source": "system",
    "status": "success",
    "unpriced": False,
}


def make_past(tell: Callable[[str], object]) -> None:
    """Write it, all or nothing, unless something has happened more than a week ago.

    :param tell: is told what is done, in sentences.
    """
    now = utcnow()
    long_ago = Period(now - LONGEST, now - _WEEK)
    # Figures outlive the log: it is not made up again where retention has taken it.
    if current_aiagents.analytics.summary(long_ago, principal=ROOT.principal)["executions"]:
        return
    tell(f"Making up {DAYS} days of activity, which takes some seconds and is done once ...")
    with current_aiagents.database.transaction(SYSTEM) as session:
        rows = session.execute(sa.select(Agent.tenant_id, Agent.name, Agent.id))
        agents = {(tenant_id, name): agent_id for tenant_id, name, agent_id in rows}
        logs = [log for work in WORK for log in _past(work, agents[work.tenant_id, work.agent], now)]
        session.insert_rows(ActivityLog, logs)
        note_ended(session, logs)
    current_aiagents.analytics.roll_up(seconds=None)
    current_aiagents.analytics.refresh_cached()
    tell(f"There are {len(logs):,} synthetic logs now.")


def _past(work: Work, agent_id: UUID, now: datetime) -> Iterator[dict[str, Any]]:
    dice = random.Random(work.agent)  # noqa: S311  # no secrets, a made-up past
    for days_ago in range(DAYS, work.until_days_ago - 1, -1):
        day = (now - days_ago * _DAY).replace(hour=0, minute=0, second=0, microsecond=0)
        for log in _day(dice, work, day, days_ago):
            if log["created_at"] < now - _LONGEST_RUN:
                yield log | {"agent_id": agent_id}


def _day(dice: random.Random, work: Work, day: datetime, days_ago: int) -> Iterator[dict[str, Any]]:
    if days_ago % 14 == len(work.agent) % 7:
        yield _log(dice, work, drawn(dice, work.carers), day + _CARE) | work.care
    for hour in sorted(dice.choices(range(24), HOURS, k=_runs(dice, work, day, days_ago))):
        at, person = day + timedelta(hours=hour, seconds=dice.uniform(0, 3590)), drawn(dice, work.people)
        run = executed(dice, work, at, bad=days_ago == BAD_DAY and 12 <= hour < 17)
        yield _log(dice, work, person, at) | run
        if run["status"] == "success" and dice.random() < 0.02:
            yield _log(dice, work, person, at + timedelta(minutes=1)) | FEEDBACK


def _runs(dice: random.Random, work: Work, day: datetime, days_ago: int) -> int:
    weekly = 0.35 if day.weekday() >= 5 else 1.0
    growth = 1.3 - 0.7 * days_ago / DAYS
    return round(work.runs_a_day * weekly * growth * dice.uniform(0.8, 1.2))


def _log(dice: random.Random, work: Work, person: Person, at: datetime) -> dict[str, Any]:
    log_id = UUID(int=uuid7_from(at).int | dice.getrandbits(62))
    return _BLANK | {
        "id": log_id,
        "agent_name": work.agent,
        "user_id": person.username,
        "tenant_id": person.tenant_id,
        "created_at": uuid7_time(log_id),
    }
