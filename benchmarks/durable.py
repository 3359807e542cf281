"""P6: logs over HTTP in batches of 100, each in the database when it is answered, against MLflow's traces."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

import requests
from host import database, ours
from ingestion import items
from rows import Row
from servers import HERE, MLFLOW, Server, mlflow, peer_python

LOGS = 100

OURS, THEIRS = 50, 3
"""Batches of a round: they take about as long."""

KNOWN = {"SQLite": 176.0, "PostgreSQL": 126.0}
"""Rows a second that MLflow 3.17 was measured with elsewhere, for where it cannot be had."""


def measure(folder: Path, rounds: int) -> Iterator[Row]:
    """One connection, one batch after the other; the servers take turns."""
    bodies = _traces(folder, THEIRS * (rounds + 1))
    for kind in ("SQLite", "PostgreSQL"):
        with ExitStack() as stack:
            mine = stack.enter_context(ours(folder, kind, "http://127.0.0.1:1/v1"))
            peer = stack.enter_context(mlflow(folder, _uri(stack.enter_context(database(folder, kind)))))
            yield _row(kind, *_rates(mine, peer, iter(bodies), rounds), measured=peer is not None)


def _row(kind: str, mine: float, theirs: float, *, measured: bool) -> Row:
    note = f"{mine:,.0f}, {theirs:,.0f} rows/s (ours, MLflow{'' if measured else ' as measured elsewhere'})"
    what = f"logs over HTTP, 100 at once, {kind}"
    return Row("P6", what, mine / (theirs or KNOWN[kind]), 30, 80, more_is_better=True, note=note)


def _rates(mine: Server, peer: Server | None, bodies: Iterator[bytes], rounds: int) -> tuple[float, float]:
    url = f"{mine.url.split('/ai_agents')[0]}/ai_agent_activity_logs"
    headers = mine.headers | {"Content-Type": "application/json", "Prefer": "return=minimal"}
    logs = cycle([json.dumps(items(LOGS)).encode()])
    rates: tuple[list[float], list[float]] = [], []
    with requests.Session() as one, requests.Session() as other:
        for _ in range(rounds + 1):
            rates[0].append(_rate(one, url, headers, logs, OURS))
            if peer is not None:
                rates[1].append(_rate(other, peer.url, peer.headers, bodies, THEIRS))
    mine_, theirs = (statistics.median(found[1:]) if found else 0.0 for found in rates)  # the first one warms
    return mine_, theirs


def _rate(session: requests.Session, url: str, headers: dict[str, str], bodies: Iterator[bytes], n: int) -> float:
    started = time.perf_counter()
    for _ in range(n):
        response = session.post(url, next(bodies), headers=headers, timeout=60)
        response.raise_for_status()
    return n * LOGS / (time.perf_counter() - started)


def _traces(folder: Path, number: int) -> list[bytes]:
    if (python := peer_python("mlflow", *MLFLOW)) is None:
        return []
    subprocess.run([str(python), str(HERE / "traces.py"), str(folder), str(number), str(LOGS)], check=True)
    return [(folder / f"traces-{n}").read_bytes() for n in range(number)]


def _uri(uri: str) -> str:
    return uri.replace("+psycopg:", "+psycopg2:")
