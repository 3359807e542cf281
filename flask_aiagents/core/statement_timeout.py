"""Time limit for statements, enforced by the database.

PostgreSQL takes the limit as a setting of the transaction, together with the tenant's (``tenancy.session``).
MariaDB takes it as a prefix of each statement, SQLite as a progress handler of the connection. SQLite checks
between two of its own instructions, so a statement may run over by the time that one of them takes.
"""

from __future__ import annotations

import math
import sqlite3
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

CHECK_EVERY = 10_000
"""SQLite instructions between two looks at the clock; a look needs the interpreter lock."""

CHECK_PATTERNS_EVERY = 100
"""The same for statements with LIKE or GLOB, of which one instruction can take milliseconds."""

_PG_QUERY_CANCELED = "57014"
_MARIADB_TIMEOUT = 1969
_HANDLER = "aiagents_progress_handler"
"""Key in a SQLite connection's ``info`` while a progress handler is set."""


class StatementLimit:
    """The time limit of each statement in one transaction; lifted at its end."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends = math.inf
        self._is_lifted = False

    @property
    def milliseconds(self) -> str:
        """The limit as PostgreSQL's ``statement_timeout`` takes it."""
        return str(max(1, round(self._seconds * 1000)))

    def apply(self, connection: sa.Connection) -> None:
        """Limit what runs on a connection of MariaDB or SQLite until its transaction ends."""
        if connection.dialect.name == "sqlite":
            connection.info[_HANDLER] = True
            event.listen(connection, "before_cursor_execute", self._start_clock)
        elif getattr(connection.dialect, "is_mariadb", False):
            event.listen(connection, "before_cursor_execute", self._prefix, retval=True)

    def lift(self) -> None:
        """End the limit: the handler may stay on an in-memory SQLite connection, which is never checked in."""
        self._is_lifted, self._ends = True, math.inf

    def _start_clock(self, connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if self._is_lifted:
            return
        has_pattern = " LIKE " in statement or " GLOB " in statement
        self._ends = time.monotonic() + self._seconds
        raw: Any = connection.connection.dbapi_connection
        raw.set_progress_handler(self._is_over, CHECK_PATTERNS_EVERY if has_pattern else CHECK_EVERY)

    def _is_over(self) -> bool:
        return time.monotonic() > self._ends

    def _prefix(
        self, _connection: sa.Connection, _cursor: Any, statement: str, parameters: Any, *_: Any
    ) -> tuple[str, Any]:
        return f"SET STATEMENT max_statement_time={self._seconds:f} FOR {statement}", parameters


def remove_handler(dbapi_connection: Any, record: Any) -> None:
    """Take the progress handler off a SQLite connection that goes back to its pool."""
    if dbapi_connection is not None and record.info.pop(_HANDLER, False):
        dbapi_connection.set_progress_handler(None, 0)


def exceeded_limit(error: DBAPIError) -> bool:
    """Whether the database stopped a statement because of its time limit."""
    cause: Any = error.orig
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return (
        state == _PG_QUERY_CANCELED
        or getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
        or cause.args[:1] == (_MARIADB_TIMEOUT,)
    )
