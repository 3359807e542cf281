"""Export of a million logs: the memory that it takes, and whether the file, read back, is the log.

``python benchmarks/export.py``
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import datasets
import psutil
import requests
import sqlalchemy as sa
from host import POSTGRES, database, prepare
from rows import Row
from servers import free_port, gunicorn, running

from flask_aiagents import Principal, Role
from flask_aiagents.core.migrate import upgrade
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.activity.columns import COLUMNS
from flask_aiagents.features.activity.models import ActivityLog

ROOT = Principal("root", None, Role.SUPER_ADMIN)

FEW = 10_000
"""Logs of the export that a large one's memory is compared with."""

BATCH = 5_000


def measure(folder: Path, rounds: int) -> Iterator[Row]:
    """Over HTTP from PostgreSQL as JSON lines, plain and in gzip, and into a second database."""
    logs = 1_000_000 if rounds > 1 else 20_000
    with database(folder, "PostgreSQL") as uri, database(folder, "PostgreSQL") as other:
        key = base64.b64encode(os.urandom(32)).decode()
        token = _token(uri, key)
        datasets.fill_logs(uri, 1_000, logs, 100)
        yield from _exports(folder, uri, {"BENCH_URI": uri, "BENCH_KEY": key}, token)
        started = time.perf_counter()
        _reimport(folder / "plain", other, key)
        took = time.perf_counter() - started
        wrong = _differences(uri, other)
        yield Row("export", "rows that differ when read back", wrong, 0, 0, note=f"{logs / took:,.0f} rows/s back")


def _token(uri: str, key: str) -> str:
    app, _, _ = prepare(uri, key, "http://127.0.0.1:1/v1", agents=1)
    with app.app_context():
        new = app.extensions["aiagents"].keys.create({"name": "bench", "role": "super_admin"}, principal=ROOT)
    app.extensions["aiagents"].database.engine.dispose()
    return new.token


def _exports(folder: Path, uri: str, environment: dict[str, str], token: str) -> Iterator[Row]:
    port, peaks, sums = free_port(), {}, {}
    url = f"http://127.0.0.1:{port}/api"
    few = f"&id=gte.{_last_of_few(uri)}"
    ways = {"few": ("identity", few), "plain": ("identity", ""), "gzip": ("gzip", "")}
    with running(gunicorn("host:app_from_environment()", port), f"{url}/health", 90, **environment) as process:
        for name, (encoding, condition) in ways.items():
            headers = {"X-API-Key": token, "Accept-Encoding": encoding}
            started = time.perf_counter()
            _download(f"{url}/ai_agent_activity_logs/export?format=jsonl{condition}", headers, folder / name)
            took, peaks[name] = time.perf_counter() - started, _peak_mb(process)
            rows, sums[name] = _rows_of(folder / name, packed=encoding == "gzip")
            size = (folder / name).stat().st_size / 1e6
            note = f"{rows:,} rows, {rows / took:,.0f} rows/s, {size:,.1f} MB; {peaks[name]:.1f} MB of memory"
            ratio = peaks[name] / peaks["few"]
            yield Row("export", f"peak memory against {FEW:,} rows, {name}", ratio, 1.1, 1.02, note=note)
    if sums["plain"] != sums["gzip"]:
        raise RuntimeError("What gzip unpacks to is not what was sent plain.")


def _last_of_few(uri: str) -> str:
    with _admin(uri).connect() as connection:
        text = "SELECT id FROM ai_agent_activity_logs ORDER BY id DESC OFFSET :few LIMIT 1"
        return str(connection.scalar(sa.text(text), {"few": FEW - 1}))


def _download(url: str, headers: dict[str, str], path: Path) -> None:
    with requests.get(url, headers=headers, stream=True, timeout=120) as response, path.open("wb") as file:
        response.raise_for_status()
        for part in response.raw.stream(1 << 20, decode_content=False):
            file.write(part)


def _rows_of(path: Path, *, packed: bool) -> tuple[int, str]:
    """How many, and a hash of all of them as they are unpacked."""
    count, digest = 0, hashlib.sha256()
    with gzip.open(path) if packed else path.open("rb") as file:
        for line in file:
            count += 1
            digest.update(line)
    return count, digest.hexdigest()


def _peak_mb(process: psutil.Process) -> float:
    """The most that a serving process ever had: the largest of them."""
    status = (Path(f"/proc/{one.pid}/status").read_text() for one in (process, *process.children(recursive=True)))
    return max(int(re.findall(r"VmHWM:\s+(\d+)", text)[0]) for text in status) / 1e3


def _reimport(path: Path, uri: str, key: str) -> None:
    app, _, _ = prepare(uri, key, "http://127.0.0.1:1/v1", agents=1)
    system = app.extensions["aiagents"]
    with app.app_context(), path.open("rb") as file:
        upgrade(system.database)
        with system.database.transaction(SYSTEM) as session:
            session.execute(sa.delete(ActivityLog))  # of what was prepared
        while batch := [_log(json.loads(line)) for line in islice(file, BATCH)]:
            with system.database.transaction(SYSTEM) as session:
                session.insert_rows(ActivityLog, batch)
    system.database.engine.dispose()


def _log(row: dict[str, Any]) -> dict[str, Any]:
    for name in ("id", "agent_id", "cost_usd", "created_at"):
        row[name] = None if row[name] is None else COLUMNS[name].parse(row[name])
    return row


def _differences(uri: str, other: str) -> int:
    """Rows of which any column differs, or that only one of two databases has."""
    with closing(_hashes(uri)) as one, closing(_hashes(other)) as two:
        return sum(a != b for a, b in zip_longest(one, two))


def _hashes(uri: str) -> Generator[str]:
    columns = ", ".join(column.name for column in ActivityLog.__table__.columns)
    text = f"SELECT md5(ROW({columns})::text) FROM ai_agent_activity_logs ORDER BY id"  # own names
    with _admin(uri).connect() as connection:
        yield from connection.execution_options(yield_per=10_000).scalars(sa.text(text))


def _admin(uri: str) -> sa.Engine:
    """As a superuser, whom row-level security hides nothing from."""
    url = sa.make_url(POSTGRES).set(database=sa.make_url(uri).database)
    return sa.create_engine(url, poolclass=sa.NullPool)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for row in measure(Path(folder), 5):
            print(row.text(), flush=True)


if __name__ == "__main__":
    main()
