"""P4 and P8: reading lists."""

from __future__ import annotations

import base64
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from floor import floor
from host import ALICE, database, ours, prepare
from load import wrk
from rows import Row
from servers import upstream

from flask_aiagents.testing import client_as

PAGE = 20
PAGES = 10_000


def measure_list(folder: Path, rounds: int, seconds: float) -> Iterator[Row]:
    """P4: fifty agents over HTTP, login, tenancy and schema included, against the same by hand."""
    rates: dict[str, list[float]] = {"ours": [], "floor": []}
    with ExitStack() as stack:
        base_url = stack.enter_context(upstream(folder))
        mine = stack.enter_context(ours(folder, "SQLite", base_url))
        hand = stack.enter_context(floor(folder, base_url))
        urls = {
            "ours": (mine, f"{mine.url.rsplit('/', 2)[0]}?limit=50"),
            "floor": (hand, f"{hand.url.rsplit('/', 2)[0]}/agents"),
        }
        for round_number in range(rounds + 1):
            for name, (server, url) in urls.items():
                load = wrk(server, folder, 8, seconds, url)
                if round_number:  # the first one warms
                    rates[name].append(load.requests / seconds)
    one, other = (statistics.median(rates[name]) for name in ("ours", "floor"))
    note = f"{one:.0f}, {other:.0f} requests/s (ours, by hand)"
    yield Row("P4", "list of 50 agents, SQLite", one / other, 0.6, 0.9, more_is_better=True, note=note)


def measure_pages(folder: Path, rounds: int) -> Iterator[Row]:
    """P8: page 10,000 of the activity logs against page 1, on PostgreSQL."""
    with database(folder, "PostgreSQL") as uri:
        app, _, _ = prepare(uri, _key(), "http://127.0.0.1:1/v1", agents=1)
        client: Any = client_as(app, ALICE)
        for _ in range(PAGE * PAGES // 10_000 + 1):
            rows = [{"action": "bench"}] * 10_000
            client.post("/api/ai_agent_activity_logs", json=rows, headers={"Prefer": "return=minimal"})
        with app.extensions["aiagents"].database.engine.begin() as connection:
            connection.execute(sa.text("ANALYZE ai_agent_activity_logs"))  # as autovacuum does, only now
        first = f"/api/ai_agent_activity_logs?limit={PAGE}"
        deep = _walk(client, first)
        times: dict[str, list[float]] = {first: [], deep: []}
        for _ in range(20 * rounds):
            for url, taken in times.items():
                started = time.perf_counter()
                assert len(client.get(url).json) == PAGE
                taken.append(time.perf_counter() - started)
        app.extensions["aiagents"].database.engine.dispose()
    one, other = (statistics.median(times[url]) * 1000 for url in (deep, first))
    note = f"{one:.2f}, {other:.2f} ms (page 10,000, page 1)"
    yield Row("P8", "page 10,000 against page 1, PostgreSQL", one / other, 1.5, 1.1, note=note)


def _key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def _walk(client: Any, url: str) -> str:
    """The URL of page 10,000, reached in steps of 200 rows."""
    wide = url.replace(f"limit={PAGE}", "limit=200")
    for _ in range(PAGE * (PAGES - 1) // 200):
        wide = client.get(wide).headers["Link"].split(">")[0][1:]
    return wide.replace("limit=200", f"limit={PAGE}")
