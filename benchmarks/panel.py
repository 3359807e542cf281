"""The panel's pages with 10,000 agents and 1,000,000 logs, against the same pages with 100 and 1,000."""

from __future__ import annotations

import base64
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
from host import create_app, database
from rows import Row

from flask_aiagents import Principal, Role
from flask_aiagents.core.migrate import upgrade
from flask_aiagents.testing import client_as

ADMIN = Principal("u1", "t0", Role.TENANT_ADMIN)
OPERATOR = Principal("root", None, Role.SUPER_ADMIN)

GOAL = 1.5

# Both data sets fill these pages with the same number of rows: a page is dearer for what it shows, too.
PAGES = (
    "/dashboard/",
    *(f"/dashboard/part/{part}/" for part in ("figures", "trends", "agents", "users", "models", "errors")),
    "/agents/",
    "/agents/?page=1",
    "/agents/?search=agent 00030",
    "/agents/?status=inactive",
    "/agents/?agent_type=coder",
    "/agents/?capability=planning",
    "/agents/?provider=openai",
    "/agents/?sort=0",
    "/activity/",
    "/activity/?page=1",
    "/activity/?status=error",
    "/activity/?last=7d",
    "/activity/?user_id=u1",
    "/errors/",
    "/configurations/",
    "/credentials/",
    "/keys/",
)
OPERATORS = ("/tenants/", "/dashboard/part/tenants/", "/agents/?tenant=t0")


@contextmanager
def _filled(folder: Path, agents: int, logs: int) -> Iterator[Any]:
    """A host over a data set, on an ordinary role, so that row-level security is in force."""
    with database(folder, "PostgreSQL") as uri:
        key = base64.b64encode(os.urandom(32)).decode()
        app = create_app(uri, key, AIAGENTS_MAINTENANCE_INTERVAL_S=0)
        with app.app_context():
            upgrade(app.extensions["aiagents"].database)
        datasets.fill(uri, agents, logs, tenants=20, skew=16)
        yield app
        app.extensions["aiagents"].database.engine.dispose()


def measure(folder: Path, rounds: int) -> Iterator[Row]:
    """Each page as a tenant's admin and as the operator see it; the slowest ratio is the row's."""
    large = (10_000, 1_000_000) if rounds > 1 else (2_000, 20_000)
    with _filled(folder, 100, 1_000) as small_app, _filled(folder, *large) as large_app:
        for name, principal in (("admin", ADMIN), ("operator", OPERATOR)):
            pages = PAGES + (OPERATORS if principal is OPERATOR else ())
            clients = [client_as(app, principal) for app in (small_app, large_app)]
            ratios = {page: _compared(clients, f"/aiagents{page}", rounds) for page in pages}
            for page, (small, many) in ratios.items():
                ratio, verdict = many / small, "missed" if many / small > GOAL else ""
                yield Row(
                    "panel", f"{name} {page}", ratio, GOAL, 1.1, note=f"{many:.1f}, {small:.1f} ms {verdict}"
                )


def _compared(clients: list[Any], url: str, rounds: int) -> tuple[float, float]:
    """Medians in ms, the two taking turns."""
    times: list[list[float]] = [[], []]
    for number in range(8 * rounds + 2):
        for client, taken in zip(clients, times, strict=True):
            started = time.perf_counter()
            response = client.get(url)
            assert response.status_code == 200, (url, response.status_code)
            if number > 1:
                taken.append((time.perf_counter() - started) * 1000)
    small, large = (statistics.median(taken) for taken in times)
    return small, large
