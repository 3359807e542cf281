"""Whatever happens, and in whatever order: the sums are those of all logs that ever were."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext, suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from support.databases import fresh
from support.dying import Died, dying_at
from support.hosts import close, make_host
from support.partitions import make_past_months
from support.usage import analytics_of, ask, counted, exact, past, roll_up, sums, write

from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.tenancy import SYSTEM, TenantSession
from flask_aiagents.features.activity.models import ActivityLog, SealedDay, UnrolledLog
from flask_aiagents.features.activity.retention import Retention
from flask_aiagents.features.activity.rules import ALL
from flask_aiagents.features.activity.unrolled import note_ended
from flask_aiagents.features.analytics.models import Usage
from flask_aiagents.features.analytics.period import Period

Steps = list[tuple[str, int | None]]
"""What happens, each with its seed or the statement at which it dies."""

DAYS = 75
"""How far back logs reach: on PostgreSQL to before the oldest month."""

SEEDS = st.integers(1, 10**6)
DEATHS = st.none() | st.integers(1, 30)
"""The statement at which a process dies."""

STEPS = st.one_of(
    st.tuples(st.just("write"), SEEDS),
    st.tuples(st.just("begin late"), SEEDS),
    st.tuples(st.just("commit late"), st.none()),
    st.tuples(st.just("roll"), DEATHS),
    st.tuples(st.just("rebuild"), DEATHS),
    st.tuples(st.just("retain executions"), DEATHS),
    st.tuples(st.just("retain all"), DEATHS),
    st.tuples(st.just("all at once"), SEEDS),
)

_DROPS: Steps = [(name, None) for name in ("roll", "retain all", "rebuild", "retain all")]
DROPS = [("write", 29), *_DROPS, ("begin late", 28), ("write", 27), ("commit late", None), *_DROPS]
"""Whole months leave, and late logs of them come and leave, too."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def module_host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One host for all examples, which each begin with empty tables."""
    with fresh(request.param, tmp_path_factory.mktemp("always")) as uri:
        app = make_host(uri)
        yield app
        close(app)


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in (1, 2, 3))])
def test_the_sums_are_those_of_all_logs_that_ever_were(module_host: Flask, part: int) -> None:
    """Late commits, crashes at any statement, rebuilds, deleted logs and all of it at once change no sum."""

    @seed(part)
    @settings(max_examples=3, deadline=None, database=None)
    @given(steps=st.lists(STEPS, min_size=6, max_size=14))
    def whatever_happens(steps: Steps) -> None:
        assert_sums_stay(module_host, steps)

    whatever_happens()


def test_the_sums_outlive_whole_months(module_host: Flask) -> None:
    """Months that are dropped, with late logs of them, change no sum either."""
    assert_sums_stay(module_host, DROPS)


def assert_sums_stay(app: Flask, steps: Steps) -> None:
    """Do the steps in an empty database; after each, the sums are those of all logs that ever were."""
    emptied(app)
    with closing(Play(app)) as play:
        for name, value in steps:
            play.steps[name](value)
            assert told(app) == counted(play.logs), (name, value)
        while play.open:
            play.commit_late()
    play.roll(None)
    assert told(app) == counted(play.logs)
    assert sums(app) == dict.fromkeys(sums(app), counted(play.logs))


class Play:
    """What has happened so far."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.now = utcnow()
        self.logs: list[dict[str, Any]] = []
        """All that were ever committed."""
        self.open: list[tuple[TenantSession, list[dict[str, Any]]]] = []
        self.steps: dict[str, Callable[[Any], None]] = {
            "write": self.write,
            "begin late": self.begin_late,
            "commit late": self.commit_late,
            "roll": self.roll,
            "rebuild": self.rebuild,
            "retain executions": lambda death: self.retain(death, "execute"),
            "retain all": self.retain,
            "all at once": self.all_at_once,
        }

    def write(self, seed: int) -> None:
        self.logs += (logs := past(self.now, DAYS, seed % 30 + 1, seed))
        write(self.app, logs)

    def begin_late(self, seed: int) -> None:
        """A writer that commits some steps later; SQLite has one writer at a time."""
        system = self.app.extensions["aiagents"]
        with self.app.app_context():
            if system.database.engine.dialect.name == "sqlite":
                return
            session, logs = system.database.session(SYSTEM), past(self.now, DAYS, seed % 30 + 1, seed)
            session.insert_rows(ActivityLog, logs)
            note_ended(session, logs)
        self.open.append((session, logs))

    def commit_late(self, _: None = None) -> None:
        if self.open:
            session, logs = self.open.pop(0)
            session.commit()
            session.close()
            self.logs += logs

    def close(self) -> None:
        for session, _ in self.open:
            session.close()

    def roll(self, death: int | None) -> None:
        self._until(death, lambda: roll_up(self.app, size=10))

    def rebuild(self, death: int | None) -> None:
        first, last = self.now - timedelta(days=DAYS // 2), self.now - timedelta(days=3)
        with self.app.app_context():
            self._until(death, lambda: analytics_of(self.app).rebuild(first, last))

    def retain(self, death: int | None, action: str = ALL) -> None:
        """By a rule for all actions, PostgreSQL drops whole months."""
        system = self.app.extensions["aiagents"]
        with self.app.app_context():
            days = {action: 10 + (death or 0)}
            self._until(death, lambda: Retention(system.database, system.access, days).apply(self.now))

    def all_at_once(self, seed: int) -> None:
        """Two rollers, a rebuild and retention, while logs are written."""
        gate = threading.Barrier(5)

        def at_once(work: Callable[[Any], None], value: int | None) -> None:
            gate.wait(30)
            work(value)

        with ThreadPoolExecutor(5) as pool:
            work = [
                (self.write, seed),
                (self.roll, None),
                (self.roll, None),
                (self.rebuild, None),
                (self.retain, None),
            ]
            for done in [pool.submit(at_once, *one) for one in work]:
                done.result(60)

    def _until(self, death: int | None, work: Callable[[], Any]) -> None:
        with dying_at(self.app, death) if death else nullcontext(), suppress(Died):
            work()


def emptied(app: Flask) -> None:
    """Take what an example left, and on PostgreSQL make the months again that it dropped."""
    with app.app_context(), app.extensions["aiagents"].database.transaction(SYSTEM) as session:
        for model in (ActivityLog, UnrolledLog, Usage, SealedDay):
            session.execute(sa.delete(model).execution_options(synchronize_session=False))
    engine = app.extensions["aiagents"].database.engine
    if engine.dialect.name == "postgresql":
        make_past_months(engine.url.render_as_string(False), utcnow() - timedelta(days=40))


def told(app: Flask) -> dict[str, Any]:
    """What root is told of everything, in whole days."""
    end: datetime = Period.recent("1d").end
    return exact(ask(app, "summary", Period(end - timedelta(days=DAYS + 2), end)))
