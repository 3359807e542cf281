"""Old logs leave while others are written: how long writers wait for a lock, what memory it takes, a kill midway.

``python benchmarks/retention.py URI`` applies it to a filled database (see datasets.py); as a row of run.py it
fills one of its own.
"""

from __future__ import annotations

import argparse
import base64
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import datasets
import psutil
import sqlalchemy as sa
from host import create_app, database
from rows import Row

from flask_aiagents import Principal, Role
from flask_aiagents.core.clock import utcnow, uuid7_from
from flask_aiagents.core.migrate import upgrade
from flask_aiagents.testing import client_as

OPERATOR = Principal("root", None, Role.SUPER_ADMIN)
WRITER = Principal("u1", "t1", Role.USER)

DAYS = 50
TENANT_DAYS = 20
"""How long logs are kept, and those of ``t0``: so a month is dropped, and the rest deleted row by row."""

EARLIER_DAYS = 700
"""Days before the first month that have logs, too: they leave at once, and each of them is noted."""

LIMIT_MS = 100


@dataclass
class Watched:
    """A writer of one log after another, and how long it waited: for its answer, and for locks of others."""

    app: Any
    slowest_ms: float = 0
    lock_ms: float = 0
    written: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def _write(self) -> None:
        client = client_as(self.app, WRITER)
        while not self._stop.is_set():
            started = time.perf_counter()
            assert client.post("/api/ai_agent_activity_logs", json={"action": "call"}).status_code == 201
            self.slowest_ms = max(self.slowest_ms, (time.perf_counter() - started) * 1000)
            self.written += 1
            time.sleep(0.005)

    def _watch(self) -> None:
        with self.app.app_context():
            engine = self.app.extensions["aiagents"].database.engine
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not self._stop.is_set():
                self.lock_ms = max(self.lock_ms, float(connection.scalar(_WAITING) or 0))
                time.sleep(0.002)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        threads = [threading.Thread(target=work) for work in (self._write, self._watch)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()


_WAITING = sa.text(
    "SELECT max(extract(epoch FROM clock_timestamp() - query_start) * 1000) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO ai_agent_activity_logs%'"
)


def measure(folder: Path, rounds: int) -> Iterator[Row]:
    """On a data set of its own."""
    with database(folder, "PostgreSQL") as uri:
        app = _app(uri)
        with app.app_context():
            upgrade(app.extensions["aiagents"].database)
        datasets.fill_logs(uri, 500, 300_000 if rounds > 1 else 20_000, 20)
        _fill_earlier(uri, 300 if rounds > 1 else 10)
        yield from applied(uri)


def applied(uri: str) -> Iterator[Row]:
    """Apply it to this database, killed once midway."""
    app = _app(uri)
    with app.app_context():
        app.extensions["aiagents"].retention.set("t0", TENANT_DAYS, principal=OPERATOR)
    quiet, busy, before = Watched(app), Watched(app), _count(app)
    with quiet.going_on():
        time.sleep(5)
    started = time.monotonic()
    with busy.going_on():
        _run(uri, kill_after_s=3)
        memory = _run(uri)
    seconds, after = time.monotonic() - started, _count(app)
    _check(app)
    app.extensions["aiagents"].database.engine.dispose()
    gone = before - after + quiet.written + busy.written
    note = (
        f"slowest log {busy.slowest_ms:.0f} ms, without {quiet.slowest_ms:.0f}; "
        f"{gone:,} of {before:,} logs in {seconds:.0f} s, {memory:.0f} MB; killed once"
    )
    what = "longest wait for a lock while old logs leave, of 100 ms"
    yield Row("retention", what, busy.lock_ms / LIMIT_MS, 1.0, 0.5, note=f"{busy.lock_ms:.0f} ms; {note}")


def _fill_earlier(uri: str, a_day: int) -> None:
    """So many logs a day, counted already, as far as anybody asks."""
    engine = sa.create_engine(uri, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT set_config('aiagents.scope', 'system', true)"))
        connection.execute(sa.text(_EARLIER), {"days": EARLIER_DAYS, "a_day": a_day, "before": datasets.DAYS + 32})
    engine.dispose()


_EARLIER = """
INSERT INTO ai_agent_activity_logs (id, user_id, tenant_id, action, source, status, unpriced, created_at)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000'
        || '8' || substr(md5(at::text), 1, 15))::uuid, 'u1', 't1', 'call', 'client', 'success', false, at
FROM (SELECT date_trunc('milliseconds', now()) - make_interval(days => :before)
             - n * interval '1 day' / CAST(:a_day AS int) AS at
      FROM generate_series(1, CAST(:days AS int) * :a_day) AS n) AS made
"""


def _app(uri: str) -> Any:
    key = base64.b64encode(os.urandom(32)).decode()
    return create_app(uri, key, AIAGENTS_MAINTENANCE_INTERVAL_S=0, AIAGENTS_LOG_RETENTION_DAYS=DAYS)


def _run(uri: str, kill_after_s: float | None = None) -> float:
    """``retention apply`` in a process of its own; the most memory it had, in MB."""
    command = [sys.executable, __file__, "--apply", uri]
    process, most = subprocess.Popen(command, stdout=subprocess.DEVNULL), 0
    until = time.monotonic() + (kill_after_s or 3600)
    while process.poll() is None and time.monotonic() < until:
        most = max(most, _memory(process.pid))
        time.sleep(0.05)
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait()
    return most / 1e6


def _memory(pid: int) -> int:
    try:
        return psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return 0


def _count(app: Any) -> int:
    with app.app_context(), app.extensions["aiagents"].database.engine.connect() as connection:
        connection.execute(sa.text("SELECT set_config('aiagents.scope', 'system', true)"))
        return connection.scalar(sa.text("SELECT count(*) FROM ai_agent_activity_logs"))


def _check(app: Any) -> None:
    """Nothing is left that should have gone."""
    now, left = utcnow() - timedelta(minutes=30), "SELECT count(*) FROM ai_agent_activity_logs WHERE id < :before"
    with app.app_context(), app.extensions["aiagents"].database.engine.connect() as connection:
        connection.execute(sa.text("SELECT set_config('aiagents.scope', 'system', true)"))
        for days, where in ((DAYS, ""), (TENANT_DAYS, " AND tenant_id = 't0'")):
            before = str(uuid7_from(now - timedelta(days=days)))
            assert connection.scalar(sa.text(left + where), {"before": before}) == 0, where


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("uri")
    parser.add_argument("--apply", action="store_true", help="apply it, and do nothing else")
    chosen = parser.parse_args()
    if chosen.apply:
        app = _app(chosen.uri)
        with app.app_context():
            app.extensions["aiagents"].retention.apply(tell=print)
        return
    for row in applied(chosen.uri):
        print(row.text())


if __name__ == "__main__":
    main()
