"""What a writer pays for the note by which rollups learn of its log, written in the log's own transaction."""

from __future__ import annotations

import base64
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from host import create_app, database
from rows import Row

from flask_aiagents.core.clock import uuid7, uuid7_time
from flask_aiagents.core.migrate import upgrade
from flask_aiagents.core.tenancy import Scope
from flask_aiagents.features.activity.models import ActivityLog, LogStatus
from flask_aiagents.features.activity.unrolled import note_ended

SCOPE = Scope(tenant_id="acme", user_id=None)

PAYLOAD = {"input": [{"role": "user", "content": "Where is my parcel? " * 10}]}


def measure(folder: Path, rounds: int) -> Iterator[Row]:
    """A log that begins, ends and is noted, as an execution's is, against one that is not noted."""
    for kind in ("SQLite", "PostgreSQL"):
        with database(folder, kind) as uri:
            app = create_app(uri, base64.b64encode(os.urandom(32)).decode(), AIAGENTS_MAINTENANCE_INTERVAL_S=0)
            with app.app_context():
                upgrade(app.extensions["aiagents"].database)
                with_note, without = _both(app.extensions["aiagents"].database, 100 * rounds)
            app.extensions["aiagents"].database.engine.dispose()
        note = f"{with_note:.2f} ms, {without:.2f} without the note"
        yield Row("outbox", f"a log's two transactions, {kind}", with_note / without, 1.10, 1.05, note=note)


def _both(database: Any, times: int) -> tuple[float, float]:
    taken: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(times):
        for noted in taken:  # taking turns
            taken[noted].append(_ms(lambda: _write(database, noted)))  # noqa: B023  # called at once
    return statistics.median(taken[True]), statistics.median(taken[False])


def _write(database: Any, noted: bool) -> None:
    log_id = uuid7()
    row = {
        "id": log_id,
        "tenant_id": "acme",
        "user_id": "alice",
        "action": "execute",
        "source": "system",
        "request_data": PAYLOAD,
        "unpriced": False,
        "status": LogStatus.RUNNING.value,
        "created_at": uuid7_time(log_id),
    }
    with database.transaction(SCOPE) as session:
        session.insert_rows(ActivityLog, [row])
    with database.transaction(SCOPE) as session:
        session.get(ActivityLog, log_id).status = LogStatus.SUCCESS.value
        session.flush()
        if noted:
            note_ended(session, [row])


def _ms(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
