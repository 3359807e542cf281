"""Sixty days of made-up activity, so that every page of the panel has something to show.

Every log says that it is synthetic. The dice fall the same each time; only the calendar moves on.
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
from .runs import drawn, run
from .work import FEEDBACK, WORK, Work

_DAYS = 60
_BAD_DAY = 17
"""So many days ago a provider was down for the afternoon."""
_AFTERNOON = range(12, 17)
_HOURS = (1, 1, 1, 1, 1, 2, 4, 8, 13, 16, 17, 16, 13, 15, 17, 16, 13, 10, 7, 5, 4, 3, 2, 1)
"""How busy the hours of a day are, UTC."""
_DAY = timedelta(days=1)
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
    long_ago = Period(now - LONGEST, now - 7 * _DAY)
    # Figures outlive the log: it is not made up again where retention has taken it.
    if current_aiagents.analytics.summary(long_ago, principal=ROOT.principal)["executions"]:
        return
    tell(f"Making up {_DAYS} days of activity, which takes some seconds and is done once ...")
    with current_aiagents.database.transaction(SYSTEM) as session:
        rows = session.execute(sa.select(Agent.tenant_id, Agent.name, Agent.id))
        agents = {(tenant_id, name): agent_id for tenant_id, name, agent_id in rows}
        logs = [
            log | {"agent_id": agents[work.tenant_id, work.agent]} for work in WORK for log in past_of(work, now)
        ]
        session.insert_rows(ActivityLog, logs)
        note_ended(session, logs)
    current_aiagents.analytics.roll_up(seconds=None)
    current_aiagents.analytics.refresh_cached()
    tell(f"There are {len(logs):,} synthetic logs now.")


def past_of(work: Work, now: datetime) -> Iterator[dict[str, Any]]:
    """The logs of an agent, the oldest day first, without their ``agent_id``."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    ended = now - timedelta(minutes=5)  # what began before then
    for days_ago in range(_DAYS, work.until_days_ago - 1, -1):
        dice = random.Random(f"{work.agent} {days_ago}")  # noqa: S311  # no secrets, a made-up past
        yield from (
            log for log in _day(dice, work, today - days_ago * _DAY, days_ago) if log["created_at"] < ended
        )


def _day(dice: random.Random, work: Work, day: datetime, days_ago: int) -> Iterator[dict[str, Any]]:
    for hour in dice.choices(range(24), _HOURS, k=_runs(dice, work, day, days_ago)):
        at, person = day + timedelta(hours=hour, seconds=dice.uniform(0, 3590)), drawn(dice, work.people)
        log = _log(dice, work, person, at) | run(dice, work, at, down=days_ago == _BAD_DAY and hour in _AFTERNOON)
        yield log
        if log["status"] == "success" and dice.random() < 0.02:
            yield _log(dice, work, person, at + timedelta(minutes=1)) | FEEDBACK


def _runs(dice: random.Random, work: Work, day: datetime, days_ago: int) -> int:
    weekly = 0.35 if day.weekday() >= 5 else 1.0
    growth = 1.3 - 0.7 * days_ago / _DAYS
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
