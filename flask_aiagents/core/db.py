"""The database of one app: the host's engine, our sessions on it, and the one way to write.

``transaction(scope)`` opens a session that sees one scope. It is re-entrant: a service that calls another
joins its transaction, and only the outermost commits. What a service announces inside is recorded in the
same transaction and published after the commit.

``reading(scope)`` is the same for reads whose cost a client decides: each statement has a time limit, and
expensive ones are counted and refused beyond :class:`ReadLimits`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event as sa_event
from sqlalchemy.orm import SessionTransaction, sessionmaker

from .. import signals
from ..errors import ConfigurationError, ScopeError
from . import sqlite_files, sqlite_writes
from .host import HostSession, in_memory
from .principal import Principal
from .rerun import run_again_on_conflict
from .slots import SlotLimits, Slots
from .statement_timeout import StatementLimit, remove_handler
from .tenancy import Scope, TenantSession


@dataclass(slots=True)
class _Unit:
    database: Database
    session: TenantSession
    news: list[signals.Event] = field(default_factory=list)


READ_RETRY_AFTER_S = 1
"""Seconds after which a refused expensive read may be tried again: most of them take less."""

R = TypeVar("R")

_unit: ContextVar[_Unit | None] = ContextVar("aiagents_unit", default=None)


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Bounds of the reads that clients ask for: lists, exports, analytics."""

    statement_timeout_s: float = 0
    """Seconds that one statement may run; 0 is no limit."""

    expensive: SlotLimits = field(default_factory=SlotLimits)
    """The most expensive reads at once."""


class Database:
    """Sessions and transactions on the host's engine."""

    def __init__(
        self,
        app: Flask,
        engine: Callable[[], sa.Engine],
        host_session: HostSession | None = None,
        migration_uri: str | None = None,
        limits: ReadLimits = ReadLimits(),  # frozen
    ) -> None:
        self.app = app
        self._make_engine = engine
        self._host = host_session
        self.migration_uri = migration_uri
        """Where migrations run when another role owns the tables."""
        self._statement_timeout_s = limits.statement_timeout_s
        self.expensive_reads = Slots("expensive queries", limits.expensive, retry_after_s=READ_RETRY_AFTER_S)
        """Counts the expensive reads that run in this process."""

    @cached_property
    def engine(self) -> sa.Engine:
        """The engine that the host uses for its default bind."""
        engine = self._make_engine()
        if engine.dialect.name == "sqlite":
            sa_event.listen(engine, "checkin", _restore_foreign_keys)
            sqlite_files.watch(engine)
            sa_event.listen(engine, "checkin", remove_handler)
            sqlite_writes.queue_writes(engine)
        return engine

    @cached_property
    def _sessions(self) -> sessionmaker[TenantSession]:
        maker = sessionmaker(bind=self.engine, class_=TenantSession, expire_on_commit=False)
        if self.engine.dialect.name == "sqlite":
            sa_event.listen(maker, "after_begin", _enforce_foreign_keys)
            if not in_memory(self.engine):  # such a connection is never checked in
                sa_event.listen(maker, "after_begin", lambda *begun: sqlite_writes.mark(begun[2]))
        return maker

    def session(self, scope: Scope | None = None) -> TenantSession:
        """A session of your own for models with our mixins; close it. Default: the entered tenant scope."""
        return self._sessions(scope=scope)

    def transaction(self, scope: Scope) -> AbstractContextManager[TenantSession]:
        """Join the open transaction, or begin one and commit it at the end.

        :raises ScopeError: inside a transaction of another scope.
        :raises ConfigurationError: when the host's own session holds a write on the same SQLite file.
        """
        return self._join(scope, None)

    @contextmanager
    def reading(self, scope: Scope, *, counted_for: Principal | None = None) -> Iterator[TenantSession]:
        """Like :meth:`transaction`, for reads whose cost a client decides: each statement has a time limit.

        Inside an open transaction that one's limit holds.

        :param counted_for: whose expensive read this is; None for a cheap one.
        :raises RateLimited: when the principal or its tenant runs as many expensive reads as it may.
        :raises Unavailable: when this process does.
        """
        limit = StatementLimit(self._statement_timeout_s) if self._statement_timeout_s else None
        slot = self.expensive_reads.take(counted_for) if counted_for else nullcontext()
        with slot, self._join(scope, limit) as session:
            yield session

    @contextmanager
    def _join(self, scope: Scope, limit: StatementLimit | None) -> Iterator[TenantSession]:
        unit = _unit.get()
        if unit is not None and unit.database is self:
            if unit.session.scope != scope:
                raise ScopeError("A transaction of another scope is open.", hint="Leave it first.")
            yield unit.session
            return
        if self._host is not None:
            self._host.refuse_pending_write(self.engine)
        with self._begin(scope, limit) as unit:
            yield unit.session
        for event in unit.news:
            signals.publish(self.app, event)

    @contextmanager
    def _begin(self, scope: Scope, limit: StatementLimit | None) -> Iterator[_Unit]:
        with self._sessions(scope=scope, limit=limit) as session:
            unit = _Unit(self, session)
            token = _unit.set(unit)
            try:
                yield unit
                session.commit()
            finally:
                if limit is not None:
                    limit.lift()
                _unit.reset(token)

    def run_again_on_conflict(self, work: Callable[[], R]) -> R:
        """Run work that opens its own transaction, and again after a deadlock or a serialization failure.

        Inside an open transaction it runs once: a conflict ends that whole transaction.

        :raises DBAPIError: when the last try meets a conflict, too.
        """
        unit = _unit.get()
        return work() if unit is not None and unit.database is self else run_again_on_conflict(work)

    def refuse_open_transaction(self) -> None:
        """For work that must be committed before it goes on, whatever its caller does later.

        :raises ConfigurationError: inside a transaction of ours, which would hold a connection meanwhile.
        """
        if (unit := _unit.get()) is not None and unit.database is self:
            raise ConfigurationError(
                "An agent cannot run inside an open transaction.", hint="Leave transaction() first."
            )

    def announce(self, event: signals.Event) -> None:
        """Record an event in the open transaction and publish it once that has committed."""
        unit = self._joined()
        signals.recording.send(self.app, event=event)
        unit.news.append(event)

    def joined_session(self) -> TenantSession:
        """The session of the open transaction.

        :raises ConfigurationError: outside of any.
        """
        return self._joined().session

    def _joined(self) -> _Unit:
        unit = _unit.get()
        if unit is None or unit.database is not self:
            raise ConfigurationError("No transaction is open.", hint="Open one with transaction(scope).")
        return unit

    def end_host_read(self) -> None:
        """Let go of the host's connection if its session only read."""
        if self._host is not None:
            self._host.end_read()


def _enforce_foreign_keys(_: TenantSession, __: SessionTransaction, connection: sa.Connection) -> None:
    raw = connection.connection
    if not raw.cursor().execute("PRAGMA foreign_keys").fetchone()[0]:  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]
        raw.cursor().execute("PRAGMA foreign_keys = ON")
        connection.info["aiagents_foreign_keys"] = True


def _restore_foreign_keys(dbapi_connection, record) -> None:
    if dbapi_connection is not None and record.info.pop("aiagents_foreign_keys", False):
        dbapi_connection.execute("PRAGMA foreign_keys = OFF")
