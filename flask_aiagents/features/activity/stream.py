"""The log as it grows: each log when it appears, and again when it ends.

A log's id is the time of its start, and transactions commit late: so each poll reads again what the last
minute began, beside all that runs, and tells what is new in it. Where nothing changes, a stream holds the ids
of that minute and nothing else: no transaction, no connection.

A token names the id from which everything is read again: none that could still change is older. So whoever
goes on from it misses nothing, and is told of some logs twice.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ...core.clock import utcnow, uuid7_from, uuid7_time
from ...core.principal import Principal
from ...core.slots import Slot, Slots
from ...core.tenancy import TenantSession
from ...errors import AIAgentsError, BadRequest
from ...logs import logger
from ...types import JSONObject
from ...web.filtering import MAX_LIMIT, Query, Term
from ...web.pagination import list_page
from ...web.selecting import conditions
from ...web.streaming import Marked
from .bounds import id_bounds
from .columns import COLUMNS
from .models import ActivityLog, LogStatus

_log = logger(__name__)

POLL_S = 1.0
"""Seconds between two polls; a poll that takes long is followed by a longer pause."""

PING_S = 5.0
"""Seconds of silence after which a ping tells that the stream is there."""

LASTS_S = 600.0
"""Seconds after which a stream ends by itself; clients go on from its last token."""

LOGIN_LASTS_S = 60.0
"""The same where the host's login let the reader in: only a new request asks the host whether it still holds."""

LATE = timedelta(minutes=1)
"""How long after its start a log may be committed and still be told of."""

LOOK_BACK = timedelta(hours=1)
"""How old a token may be, and how long an execution may run until its end is told."""

MOST = 5_000
"""Most logs of one poll, of those that it reads again too: beyond, a client is told to read the list."""

MOST_EACH = 4
"""Streams of one user that go on."""

MOST_ENDING = 2
"""Further ones of the same user that were asked to end and have not yet, since their readers are gone."""

SHARE = 2
"""Log streams may take one in so many of the slots of a process and of a tenant."""

AWAY_MS = 30_000
"""After which a browser comes again whose stream gave its place to another of the same user: were it soon, open
pages would take it from each other in turn."""

SHOWN = tuple(name for name in COLUMNS.names if name not in ("request_data", "response_data", "attempts"))
"""What is told of a log; what was said is read where it is wanted."""

RELOAD: JSONObject = {
    "message": "More happened than this stream can tell.",
    "hint": "Read the list of logs again; the stream goes on from here.",
}

# Written out in the SQL: SQLite uses a partial index only where it reads the condition.
_RUNS = ActivityLog.status == sa.literal(LogStatus.RUNNING.value, literal_execute=True)

Reading = Callable[[], AbstractContextManager[TenantSession]]
"""Opens a short read transaction of the principal, and raises when it may not read any more."""


RawId: TypeAlias = UUID | str
"""An id as the driver reads it: to make thousands of objects a poll of its text takes longer than the query."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What one poll saw."""

    since: UUID
    """From where the next one reads."""
    found: frozenset[RawId]
    """What it read that fits the filter."""
    running: frozenset[RawId]
    """What runs, whether it fits or not: it may in the end."""
    is_too_much: bool = False
    """Whether there was more than it found."""

    @property
    def token(self) -> str:
        return str(min([self.since, *map(_id, self.running)]))


class Place:
    """What a stream has of its process, until it leaves."""

    def __init__(self, whose: object, slot: Slot, leave: Callable[[Place], None]) -> None:
        self.whose = whose
        self.slot = slot
        self.wanted = threading.Event()
        """Set when the stream is to end, since its user has begun others."""
        self._leave = leave

    def leave(self) -> None:
        """Give it back, once."""
        self._leave(self)


class Places:
    """The log streams that this process has open, each in a slot.

    :param within: the slots of all that runs for long.
    """

    def __init__(self, within: Slots) -> None:
        limits = replace(within.limits.part(SHARE), per_user=MOST_EACH + MOST_ENDING)
        self._slots = Slots("log streams", limits, within=within)
        self._lock = threading.RLock()  # a garbage collection may release a place in the middle of take()
        self._taken: list[Place] = []

    def take(self, principal: Principal) -> Place:
        """Take a place, and ask a user's oldest stream to end when it has enough of them.

        A client whose connection broke reconnects before the server notices: the streams in its way are its own.

        :raises RateLimited: when the user's or the tenant's streams that were asked to end have not ended.
        :raises Unavailable: when the process has no slot left.
        """
        whose = (principal.tenant_id, principal.user_id)
        with self._lock:
            slot = self._slots.take(principal)
            staying = [place for place in self._taken if place.whose == whose and not place.wanted.is_set()]
            if len(staying) >= MOST_EACH:
                staying[0].wanted.set()
            self._taken.append(place := Place(whose, slot, self._give_back))
            return place

    def _give_back(self, place: Place) -> None:
        with self._lock:
            self._taken.remove(place)
        place.slot.release()


class LogStream:
    """Iterate it for events: ``log`` with a log, ``reload`` when some could not be told, None for a ping.

    :raises BadRequest: for a filter that lists refuse, and for what is no token.
    """

    def __init__(
        self,
        reading: Reading,
        terms: Sequence[Term],
        token: str | None,
        place: Place,
        *,
        lasts_s: float,
        ping_s: float,
    ) -> None:
        self._reading, self._terms = reading, tuple(terms)
        self._wanted, self._lasts_s, self._ping_s = place.wanted, lasts_s, ping_s
        from_ = None if token is None else _checked(token)
        now = self._look(uuid7_from(utcnow() - LATE))
        self._missed = from_ is not None and uuid7_time(from_) < utcnow() - LOOK_BACK
        resumes = from_ is not None and not self._missed
        self._last = _Look(from_, frozenset(), frozenset()) if resumes and from_ else now
        # Also when nobody ever iterates: a place is given back with the stream that took it.
        self.close = weakref.finalize(self, place.leave)

    def __iter__(self) -> Iterator[Marked]:
        try:
            yield from self._events()
        except (AIAgentsError, DBAPIError, PoolTimeout) as error:
            # The client comes again, and is told then what is wrong.
            _log.info("A stream of the log ended: %s", type(error).__name__)
        finally:
            self.close()

    def _events(self) -> Iterator[Marked]:
        ends = time.monotonic() + self._lasts_s
        yield self._marked(("reload", RELOAD) if self._missed else None)
        told = time.monotonic()
        while True:
            began = time.monotonic()
            look = self._look(self._last.since)
            pause = max(POLL_S, 20 * (time.monotonic() - began))
            for event in self._news(look):
                yield self._marked(event)
                told = time.monotonic()
            self._last = look
            if _is_over(ends):
                return
            if time.monotonic() - told >= self._ping_s:
                yield self._marked(None)
                told = time.monotonic()
            if self._wanted.wait(pause):
                yield Marked(self._last.token, None, retry_ms=AWAY_MS)
                return

    def _marked(self, event: tuple[str, JSONObject] | None) -> Marked:
        """With the token of the poll before: what this one has not told yet is behind it, too."""
        return Marked(self._last.token, event)

    def _news(self, look: _Look) -> Iterator[tuple[str, JSONObject]]:
        if look.is_too_much or self._last.is_too_much:
            yield "reload", RELOAD
            return
        ids = sorted((look.found - self._last.found) | (self._last.running - look.running), key=str)
        for start in range(0, len(ids), MAX_LIMIT):
            for row in self._rows(ids[start : start + MAX_LIMIT]):
                yield "log", row

    def _look(self, since: UUID) -> _Look:
        now = utcnow()
        with self._reading() as session:
            fits = conditions(COLUMNS, self._terms, session.get_bind().dialect.name)
            began = (*_from(since), *fits, *id_bounds(self._terms))
            runs = (_RUNS, ActivityLog.lease_until.is_not(None), *_from(uuid7_from(now - LOOK_BACK)))
            found, running = _ids(session, began), _ids(session, runs)
        return _Look(uuid7_from(now - LATE), found, running, is_too_much=len(found) > MOST)

    def _rows(self, ids: Sequence[RawId]) -> list[JSONObject]:
        query = Query(terms=self._terms, order=(("id", False),), select=SHOWN, limit=MAX_LIMIT)
        with self._reading() as session:
            return list_page(session, COLUMNS, query, ActivityLog.id.in_(map(_id, ids))).items


def _ids(session: TenantSession, where: Sequence[sa.ColumnElement[bool]]) -> frozenset[RawId]:
    raw: sa.ColumnElement[Any] = sa.type_coerce(ActivityLog.id, sa.types.NullType())
    return frozenset(session.scalars(sa.select(raw).where(*where).limit(MOST + 1)))


def _id(raw: RawId) -> UUID:
    return UUID(raw) if isinstance(raw, str) else raw


def _from(since: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    """Said twice, as an id and as a time: a tenant's index has the time."""
    return ActivityLog.id >= since, ActivityLog.created_at >= uuid7_time(since)


def _checked(token: str) -> UUID:
    try:
        from_ = UUID(token)
        if uuid7_time(from_) <= utcnow() + LATE:
            return from_
    except (ValueError, OverflowError):
        pass
    raise BadRequest(
        f"{token[:50]!r} names no place in the stream.",
        hint="Send the id that came with the last event as Last-Event-ID, or leave it out to begin now.",
    )


def _is_over(ends: float) -> bool:
    # A process that stops waits for its threads.
    return time.monotonic() >= ends or not threading.main_thread().is_alive()
