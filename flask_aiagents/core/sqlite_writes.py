"""Our writes to an SQLite file, one after the other in the order in which they came.

SQLite's own busy handler sleeps and tries again, so that of several writers the unlucky one waits for seconds.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from .lines import Line

WAIT_S = 5.0
"""Seconds that a write waits in line; then SQLite's own lock decides, as it does between processes."""

_OURS = "aiagents_queued_writes"
_HOLDS = "aiagents_holds_write"
_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "BEGIN IMMEDIATE")


def queue_writes(engine: sa.Engine) -> None:
    """Let the writes of sessions that :func:`mark` their connections wait in line."""
    line = Line(1)

    def before(connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        info = connection.info
        if info.get(_OURS) and not info.get(_HOLDS) and statement.lstrip()[:15].upper().startswith(_WRITES):
            info[_HOLDS] = line.enter(WAIT_S)

    def checkin(_dbapi_connection: Any, record: Any) -> None:
        record.info.pop(_OURS, None)
        if record.info.pop(_HOLDS, False):
            line.leave()

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "checkin", checkin)


def mark(connection: sa.Connection) -> None:
    """Let the writes of this connection wait in line until it goes back to its pool."""
    connection.info[_OURS] = True
