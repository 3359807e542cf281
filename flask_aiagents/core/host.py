"""Respect the host's process: its sessions, its connections, its SQLite locks."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import g, has_app_context
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction

from ..errors import ConfigurationError
from ..logs import logger

_log = logger(__name__)
_WROTE = "aiagents_wrote"
_OPEN = "_aiagents_host_transactions"

Transactions = dict[Session, list[sa.Connection]]
"""Sessions of the host with an open transaction, and the connections that each holds."""


class HostSession:
    """The host's sessions, watched so that their writes are neither lost nor committed by ours.

    The listeners note each session that begins a transaction in the current app context, whichever extension
    made it. A session that began before they were set is unknown and is left alone.

    :param factory: what makes the host's sessions, a ``sessionmaker`` or ``scoped_session``.
    """

    def __init__(self, factory: Any) -> None:
        self._warned = False
        event.listen(factory, "after_begin", _note)
        event.listen(factory, "do_orm_execute", _mark_statement)
        event.listen(factory, "after_transaction_end", _forget)

    def end_read(self) -> None:
        """Give the connections of host transactions that only read back to the pool.

        A request to our routes then needs one connection, not two; with 12 of 15 threads each holding one
        and waiting for a second, the default pool timed out.
        """
        for session in list(_open()):
            if not (session.info.get(_WROTE) or session.new or session.dirty or session.deleted):
                session.rollback()

    def refuse_pending_write(self, engine: sa.Engine) -> None:
        """Fail at once where we would wait for the lock that our own caller holds.

        :raises ConfigurationError: when a session of the host has an open write on the same SQLite file.
        """
        transactions = _open()
        if not transactions or engine.dialect.name != "sqlite":
            return
        if in_memory(engine):
            self._warn_once()
        elif any(_holds_write(connection, engine) for held in transactions.values() for connection in held):
            raise ConfigurationError(
                "Your session holds an open write on this SQLite database, so ours would wait for it for ever.",
                hint="Commit your session first, then call the service.",
            )

    def _warn_once(self) -> None:
        if not self._warned:
            self._warned = True
            _log.warning(
                "In-memory SQLite: your session and ours share one connection, so our commit commits your rows. "
                "Use a file for anything but tests."
            )


def _open() -> Transactions:
    return g.setdefault(_OPEN, {}) if has_app_context() else {}


def _mark(session: Session) -> None:
    session.info[_WROTE] = True


def _mark_statement(state: ORMExecuteState) -> None:
    if not state.is_select:
        _mark(state.session)


def _note(session: Session, transaction: SessionTransaction, connection: sa.Connection) -> None:
    # The session's own events do not report bulk operations, nor statements run on its connection directly.
    def look(_connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip()[:6].upper() != "SELECT":
            _mark(session)

    if not transaction.nested:
        _open().setdefault(session, []).append(connection)
        event.listen(connection, "before_cursor_execute", look)


def _forget(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:  # a savepoint's end leaves the writes around it open
        session.info.pop(_WROTE, None)
        _open().pop(session, None)


def in_memory(engine: sa.Engine) -> bool:
    """Whether an SQLite engine keeps its database in memory."""
    return engine.url.database in (None, "", ":memory:") or "mode=memory" in str(engine.url)


def _holds_write(connection: sa.Connection, engine: sa.Engine) -> bool:
    if connection.closed or connection.engine.url != engine.url:
        return False
    return bool(getattr(connection.connection.dbapi_connection, "in_transaction", False))
