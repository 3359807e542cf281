"""P7 and P11: figures of a tenant, and one execution, with millions of logs there.

``python benchmarks/scale.py URI`` measures a filled database (see datasets.py); as rows of run.py it fills two of
its own with a million, on PostgreSQL and on SQLite. What P7 asks for is meant for ten million.
"""

from __future__ import annotations

import argparse
import base64
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import datasets
import sqlalchemy as sa
from host import create_app, database
from rows import Row

from flask_aiagents import Principal, Role
from flask_aiagents.core.clock import uuid7_from
from flask_aiagents.core.columns import UTCDateTime
from flask_aiagents.core.migrate import upgrade
from flask_aiagents.features.analytics.period import Period
from flask_aiagents.testing import client_as

ADMIN = Principal("u1", "t0", Role.TENANT_ADMIN)
"""Of the largest tenant."""

PARTS = ("figures", "trends", "agents", "users", "models", "actions", "errors")

_EXECUTIONS = "AND action = 'execute'"

_RAW = """
    SELECT {by}, count(*) AS logs, sum(tokens_used), sum(input_tokens), sum(output_tokens), sum(cost_usd),
           count(*) FILTER (WHERE unpriced), count(*) FILTER (WHERE status = 'success'),
           count(DISTINCT agent_id) FILTER (WHERE status <> 'success'), max(created_at),
           {percentiles}
    FROM ai_agent_activity_logs
    WHERE tenant_id = 't0' AND id >= :first AND id < :last AND created_at >= :start AND created_at < :end
          AND status <> 'running' {which}
    GROUP BY 1 ORDER BY 2 DESC LIMIT {most}
"""

_PERCENTILES = "percentile_disc(array[0.5, 0.95]) WITHIN GROUP (ORDER BY duration_ms)"
"""SQLite has none, so there the log is asked for less than the sums tell."""

RAW = {
    "figures": ("created_at >= :middle", _EXECUTIONS, 2),
    "trends": ("date(created_at)", _EXECUTIONS, 30),
    "agents": ("agent_id", _EXECUTIONS, 8),
    "users": ("user_id", _EXECUTIONS, 8),
    "models": ("provider || '/' || model", _EXECUTIONS, 8),
    "actions": ("action", "", 8),
    "errors": ("coalesce(error, status)", f"{_EXECUTIONS} AND status <> 'success'", 50),
}
"""What each part would have to ask of the log itself, by the tenant's index and the months' partitions.

The figures ask of their period and of the one before, the others of their period."""

_TIME = UTCDateTime()
_TYPES = {"first": sa.Uuid(), "last": sa.Uuid()}

KINDS = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}

ASKED = {"summary": "figures", "timeseries": "trends", "usage": "agents", "errors": "errors"}
"""The services, and the part that shows the same."""


def measure(folder: Path, rounds: int) -> Iterator[Row]:
    """On a data set of its own."""
    logs = 1_000_000 if rounds > 1 else 20_000
    with database(folder, "PostgreSQL") as uri, database(folder, "SQLite") as other:
        for one in (uri, other):
            with _app(one) as app, app.app_context():
                upgrade(app.extensions["aiagents"].database)
        datasets.fill(uri, 1_000, logs, 100)
        datasets.copy(uri, other)
        for one in (uri, other):
            yield from measured(folder, one, rounds)


def measured(folder: Path, uri: str, rounds: int) -> Iterator[Row]:
    """With the logs that are there."""
    with _app(uri) as app:
        with app.app_context():
            app.extensions["aiagents"].analytics.roll_up()  # as maintenance does every ten seconds
            count, raw = _raw_ms(app)
        period = Period.recent("30d")
        with app.app_context():
            for name, part in ASKED.items():
                answer = getattr(app.extensions["aiagents"].analytics, name)
                ms = _median(rounds, lambda: answer(period, principal=ADMIN))  # noqa: B023  # called at once
                note = f"the tenant has {count:,} logs in 30 days"
                yield _row(f"{name} of 30 days", app, ms, raw[part], note)
        yield from _dashboard(app, raw, rounds)
        yield from _executions(folder, app, rounds)


def _dashboard(app: Any, raw: dict[str, float], rounds: int) -> Iterator[Row]:
    client, page = client_as(app, ADMIN), "/aiagents/dashboard/"
    whole = _median(rounds, lambda: _get(client, page))
    for part in PARTS:
        ms = _median(rounds, lambda: _get(client, f"{page}part/{part}/?last=30d"))  # noqa: B023  # called at once
        yield _row(f"part {part}", app, ms, raw[part])
        whole += ms
    one = f"{whole / raw['trends']:.3f} of the scan for the trends alone"
    yield _row("first byte to last panel", app, whole, sum(raw.values()), one)


def _kind(app: Any) -> str:
    """The database, as host.py calls it."""
    return KINDS[app.extensions["aiagents"].database.engine.dialect.name]


def _row(name: str, app: Any, ms: float, raw: float, note: str = "") -> Row:
    what = f"{name}, {_kind(app)}"
    return Row("P7", what, ms / raw, 0.01, 10 / raw, note=f"{ms:.1f} ms of {raw:.0f} raw; {note}".rstrip("; "))


def _executions(folder: Path, app: Any, rounds: int) -> Iterator[Row]:
    kind = _kind(app)
    with database(folder, kind) as uri, _app(uri) as empty:
        with empty.app_context():
            upgrade(empty.extensions["aiagents"].database)
        runs = [_runner(one) for one in (empty, app)]
        times: list[list[float]] = [[], []]
        for _ in range(40 * rounds):
            for run, taken in zip(runs, times, strict=True):
                taken.append(_ms(run))
        small, large = (statistics.median(taken) for taken in times)
        note = f"{large:.2f} ms, {small:.2f} without a log"
        yield Row("P11", f"one execution, logged and priced, {kind}", large / small, 1.2, 1.0, note=note)


def _runner(app: Any) -> Callable[[], None]:
    client = client_as(app, ADMIN)
    model = {"provider": "offline", "model": "offline"}
    name = f"Benchmark {time.time()}"
    agent: Any = client.post("/api/ai_agents", json={"name": name, "model_config": model}).get_json()["id"]

    def run() -> None:
        answer = client.post(f"/api/ai_agents/{agent}/execute", json={"input": "Hello"})
        assert answer.status_code == 200, answer.text

    run()
    return run


def _raw_ms(app: Any) -> tuple[int, dict[str, float]]:
    """How many logs of the tenant are in the period, and what each part costs from them."""
    period = Period.recent("30d")
    with app.app_context(), app.extensions["aiagents"].database.engine.connect() as connection:
        percentiles = "NULL"
        if _kind(app) == "PostgreSQL":
            percentiles = _PERCENTILES
            connection.execute(sa.text("SELECT set_config('aiagents.tenant_id', 't0', true)"))
        times: dict[str, float] = {}
        count = 0
        for part, (by, which, most) in RAW.items():
            start = period.start - (period.end - period.start) if part == "figures" else period.start
            values = {
                "start": start,
                "end": period.end,
                "first": uuid7_from(start),
                "last": uuid7_from(period.end),
            }
            if ":middle" in by:
                values["middle"] = period.start
            text = sa.text(_RAW.format(by=by, percentiles=percentiles, which=which, most=most))
            statement = text.bindparams(*(sa.bindparam(name, type_=_TYPES.get(name, _TIME)) for name in values))
            times[part] = _median(1, lambda: connection.execute(statement, values).all())  # noqa: B023
            if part == "trends":
                count = sum(row.logs for row in connection.execute(statement, values))
    return count, times


def _get(client: Any, page: str) -> None:
    assert client.get(page).status_code == 200, page


def _median(rounds: int, work: Callable[[], Any]) -> float:
    work()
    return statistics.median(_ms(work) for _ in range(3 * rounds))


def _ms(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


@contextmanager
def _app(uri: str) -> Iterator[Any]:
    key = base64.b64encode(os.urandom(32)).decode()
    app = create_app(uri, key, AIAGENTS_MAINTENANCE_INTERVAL_S=0)
    yield app
    app.extensions["aiagents"].database.engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("uri")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for row in measured(Path(folder), chosen.uri, 5):
            print(row.text(), flush=True)


if __name__ == "__main__":
    main()
