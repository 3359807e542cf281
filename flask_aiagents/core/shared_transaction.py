"""A transaction that the first steps of a request share, so that they need one connection and one commit.

A request with an API key looks the key up as the system, and then reads and writes as the key's tenant. While
sharing is on, such a step leaves its transaction open; the next one narrows it to its tenant and goes on in it
(``Database.shared``). Whatever else opens a transaction releases the open one first, so that a request never holds
two connections. Whatever may wait for something else than the database calls :func:`release`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .statement_timeout import StatementLimit
from .tenancy import Scope, TenantSession


class SharedTransaction:
    """The transaction that is open between two steps, if there is one."""

    __slots__ = ("_session", "database")

    def __init__(self, database: object) -> None:
        self.database = database
        self._session: TenantSession | None = None

    def keep(self, session: TenantSession) -> None:
        """Leave a session, of which the transaction only read, to the next step."""
        self._session = session

    def take(self, scope: Scope, limit: StatementLimit | None) -> TenantSession | None:
        """Return the open session, narrowed to a scope; None when there is none that covers the scope."""
        session, self._session = self._session, None
        if session is None:
            return None
        if not session.covers(scope):
            session.close()
            return None
        try:
            session.go_on(scope, limit)
        except BaseException:
            session.close()
            raise
        return session

    def release(self) -> None:
        """End the open transaction and give its connection back."""
        session, self._session = self._session, None
        if session is not None:
            session.close()


_shared: ContextVar[SharedTransaction | None] = ContextVar("aiagents_shared_transaction", default=None)


def current(database: object) -> SharedTransaction | None:
    """Return what the steps share that run now; None while sharing is off."""
    shared = _shared.get()
    return shared if shared is not None and shared.database is database else None


def begin_sharing(database: object) -> None:
    """Share a transaction until :func:`end_sharing`."""
    end_sharing()
    _shared.set(SharedTransaction(database))


def end_sharing(_error: BaseException | None = None) -> None:
    """Release what is open, and share no longer."""
    release()
    _shared.set(None)


def release() -> None:
    """Give back the connection that is held for the next step, before something that may take long."""
    if (shared := _shared.get()) is not None:
        shared.release()


@contextmanager
def sharing(database: object) -> Iterator[None]:
    """Share a transaction inside; nothing is held afterwards."""
    token = None if current(database) else _shared.set(SharedTransaction(database))
    try:
        yield
    finally:
        release()
        if token is not None:
            _shared.reset(token)
