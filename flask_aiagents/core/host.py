"""Manners inside the host's process: its session, its connections, its SQLite locks."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import has_app_context
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction

from ..errors import ConfigurationError
from ..logs import logger

_log = logger(__name__)
_WROTE = "aiagents_wrote"


class HostSession:
    """The host's Flask-SQLAlchemy session, watched so that we never lose or commit its writes."""

    def __init__(self, registry: Any) -> None:
        self._registry = registry
        self._warned = False
        event.listen(registry, "after_begin", _watch)
        event.listen(registry, "do_orm_execute", _mark_statement)
        event.listen(registry, "after_transaction_end", _forget)

    @property
    def _session(self) -> Session | None:
        # Flask-SQLAlchemy keeps a session for each app context; outside of one there is none.
        return self._registry() if has_app_context() and self._registry.registry.has() else None

    def end_read(self) -> None:
        """Give the connection of a host transaction that only read back to the pool.

        A request to our routes then needs one connection, not two; with 12 of 15 threads each holding one
        and waiting for a second, the default pool timed out.
        """
        session = self._session
        if session is None or not session.in_transaction() or session.info.get(_WROTE):
            return
        if not (session.new or session.dirty or session.deleted):
            session.rollback()

    def refuse_pending_write(self, engine: sa.Engine) -> None:
        """Fail at once where we would wait for the lock that our own caller holds.

        :raises ConfigurationError: when the host's session has an open write on the same SQLite file.
        """
        session = self._session
        if session is None or not session.in_transaction() or engine.dialect.name != "sqlite":
            return
        if _in_memory(engine):
            self._warn_once()
        elif _holds_write(session, engine):
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


def _mark(session: Session) -> None:
    session.info[_WROTE] = True


def _mark_statement(state: ORMExecuteState) -> None:
    if not state.is_select:
        _mark(state.session)


def _watch(session: Session, transaction: SessionTransaction, connection: sa.Connection) -> None:
    # The session's own events do not tell of bulk operations, nor of what runs on its connection directly.
    def look(_connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip()[:6].upper() != "SELECT":
            _mark(session)

    if not transaction.nested:
        event.listen(connection, "before_cursor_execute", look)


def _forget(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:  # a savepoint's end leaves the writes around it open
        session.info.pop(_WROTE, None)


def _in_memory(engine: sa.Engine) -> bool:
    return engine.url.database in (None, "", ":memory:") or "mode=memory" in str(engine.url)


def _holds_write(session: Session, engine: sa.Engine) -> bool:
    connection = session.connection(bind_arguments={"bind": engine})
    return bool(getattr(connection.connection.dbapi_connection, "in_transaction", False))
