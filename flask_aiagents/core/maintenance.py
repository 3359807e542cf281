"""Housekeeping: tasks that run every few seconds in one process at a time.

The first request to our routes starts the thread, except under ``TESTING``. Each tick claims a row in the
database; whoever holds the claim works, the others pass. A claim runs out by itself, so a holder that died holds
nobody up. The thread holds its app only during a tick: it ends when the app is collected.
"""

from __future__ import annotations

import os
import socket
import threading
import weakref
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from ..logs import logger
from .claims import Claim
from .clock import utcnow
from .db import Database
from .sqlite_files import never_create
from .tenancy import SYSTEM

_log = logger(__name__)

CLAIM = "maintenance"

CLAIM_FOR = timedelta(seconds=60)
"""How long a tick may take before another process believes its holder dead."""

_FREE = datetime(2000, 1, 1, tzinfo=UTC)
"""Until when a released claim holds: past by every clock, also one that runs behind its holder's."""


class Maintenance:
    """The tasks of one app and the thread that runs them."""

    def __init__(self, database: Database, interval_s: float) -> None:
        self._db = database
        self._interval_s = interval_s
        self._tasks: dict[str, Callable[[], int]] = {}
        self._lock = threading.Lock()
        self._stop: SimpleQueue[None] = SimpleQueue()
        self._pid: int | None = None

    def add(self, name: str, task: Callable[[], int]) -> None:
        """Register a task; it returns how many rows it changed."""
        self._tasks[name] = task

    def tick(self) -> dict[str, int]:
        """Run every task once if no other process is at it; what each did, or {} where another was."""
        with self._db.app.app_context():
            if not self._claim():
                return {}
            try:
                return {name: self._run(name, task) for name, task in self._tasks.items()}
            finally:
                self._release()

    def start(self) -> None:
        """Start this process's thread, once; an interval of 0 and an app under ``TESTING`` start none."""
        if self._interval_s <= 0 or self._db.app.testing or self._pid == os.getpid():
            return
        with self._lock:
            if self._pid != os.getpid():
                self._pid, self._stop = os.getpid(), SimpleQueue()
                # A queue and not an Event: the collector may run the finalizer in a thread that is just waiting.
                weakref.finalize(self, self._stop.put, None)
                loop = (weakref.ref(self), self._stop, self._interval_s)
                threading.Thread(target=_loop, args=loop, name="aiagents-maintenance", daemon=True).start()

    def stop(self) -> None:
        """End the thread after the tick that it is in."""
        self._stop.put(None)

    def tick_safely(self) -> None:
        """Run a tick; a failure is logged, and the next tick tries again."""
        try:
            self.tick()
        except DBAPIError as error:
            _log.warning("Maintenance failed, it tries again in %s s: %s", self._interval_s, error.orig)
        except Exception:  # the database may be away for a while
            _log.exception("Maintenance failed; it tries again in %s s.", self._interval_s)

    def _run(self, name: str, task: Callable[[], int]) -> int:
        try:
            return task()
        except Exception:  # one broken task must not keep the others from running
            _log.exception("The maintenance task %r failed.", name)
            return 0

    def _claim(self) -> bool:
        now = utcnow()
        values = {"holder": _me(), "until": now + CLAIM_FOR}
        free = sa.update(Claim).where(Claim.name == CLAIM, sa.or_(Claim.until < now, Claim.holder == _me()))
        with self._db.transaction(SYSTEM) as session:
            if session.connection().execute(free.values(values)).rowcount:
                return True
        # A transaction of its own: MariaDB ends two that search a missing row and then insert it in a deadlock.
        try:
            with self._db.transaction(SYSTEM) as session:
                if session.get(Claim, CLAIM) is not None:
                    return False
                session.add(Claim(name=CLAIM, **values))
        except IntegrityError:
            return False
        return True

    def _release(self) -> None:
        mine = sa.update(Claim).where(Claim.name == CLAIM, Claim.holder == _me())
        with self._db.transaction(SYSTEM) as session:
            session.connection().execute(mine.values(until=_FREE))


def _loop(maintenance: weakref.ref[Maintenance], stop: SimpleQueue[None], interval_s: float) -> None:
    """Tick until something is put into ``stop``; between two ticks only the weak reference is held."""
    with never_create():
        while not _is_stopped(stop, interval_s):
            if (alive := maintenance()) is not None:
                alive.tick_safely()
            del alive


def _is_stopped(stop: SimpleQueue[None], interval_s: float) -> bool:
    try:
        stop.get(timeout=interval_s)
    except Empty:
        return False
    return True


def _me() -> str:
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{threading.get_ident() % 10**9}"
