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
from sqlalchemy.orm import sessionmaker

from .. import signals
from ..errors import ConfigurationError, ScopeError
from . import shared_transaction, sqlite_files, sqlite_foreign_keys, sqlite_writes
from .host import HostSession, in_memory
from .principal import Principal
from .rerun import run_again_on_conflict
from .shared_transaction import SharedTransaction
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
            sa_event.listen(engine, "checkin", sqlite_foreign_keys.restore)
            sqlite_files.watch(engine)
            sa_event.listen(engine, "checkin", remove_handler)
            sqlite_writes.queue_writes(engine)
        return engine

    @cached_property
    def _sessions(self) -> sessionmaker[TenantSession]:
        maker = sessionmaker(bind=self.engine, class_=TenantSession, expire_on_commit=False)
        if self.engine.dialect.name == "sqlite":
            sa_event.listen(maker, "after_begin", sqlite_foreign_keys.enforce)
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

    def shared(self, scope: Scope, *, last: bool = False) -> AbstractContextManager[TenantSession]:
        """Like :meth:`transaction`, for steps of a request that share one, see :mod:`.shared_transaction`.

        A step goes on in the transaction that an earlier one left open, and leaves its own open. So all but the
        last only read, and nothing in them depends on what others commit meanwhile.

        :param last: commit.
        """
        return self._join(scope, None, goes_on=True, leaves_open=not last)

    @contextmanager
    def reading(self, scope: Scope, *, counted_for: Principal | None = None) -> Iterator[TenantSession]:
        """Like :meth:`transaction`, for reads whose cost a client decides: each statement has a time limit.

        Inside an open transaction that one's limit holds. One that earlier steps of the request left open goes on.

        :param counted_for: whose expensive read this is; None for a cheap one.
        :raises RateLimited: when the principal or its tenant runs as many expensive reads as it may.
        :raises Unavailable: when this process does.
        """
        limit = StatementLimit(self._statement_timeout_s) if self._statement_timeout_s else None
        slot = self.expensive_reads.take(counted_for) if counted_for else nullcontext()
        with slot, self._join(scope, limit, goes_on=True) as session:
            yield session

    @contextmanager
    def _join(
        self, scope: Scope, limit: StatementLimit | None, *, goes_on: bool = False, leaves_open: bool = False
    ) -> Iterator[TenantSession]:
        unit = _unit.get()
        if unit is not None and unit.database is self:
            if unit.session.scope != scope:
                raise ScopeError("A transaction of another scope is open.", hint="Leave it first.")
            yield unit.session
            return
        if self._host is not None:
            self._host.refuse_pending_write(self.engine)
        shared = shared_transaction.current(self)
        session = shared.take(scope, limit) if shared is not None and goes_on else None
        if session is None:
            shared_transaction.release()
            session = self._sessions(scope=scope, limit=limit)
        with self._run(session, shared if leaves_open else None) as unit:
            yield unit.session
        for event in unit.news:
            signals.publish(self.app, event)

    @contextmanager
    def _run(self, session: TenantSession, shared: SharedTransaction | None) -> Iterator[_Unit]:
        unit = _Unit(self, session)
        token = _unit.set(unit)
        try:
            yield unit
            if shared is not None and self._can_stay_open(session):
                shared.keep(session)
            else:
                session.commit()
                session.close()
        except BaseException:
            session.close()
            raise
        finally:
            if session.statement_limit is not None:
                session.statement_limit.lift()
            _unit.reset(token)

    def _can_stay_open(self, session: TenantSession) -> bool:
        """False where later writes of the transaction could fail because it has read, or would not be its alone.

        SQLite refuses a write in a transaction that read before another one wrote. The driver begins a transaction
        at the first write, but for hosts that configured it otherwise.
        """
        if self.engine.dialect.name != "sqlite":
            return True
        return not (in_memory(self.engine) or session.in_driver_transaction())

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
