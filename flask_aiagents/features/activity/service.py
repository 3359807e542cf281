"""The activity log: recorded for clients, read by role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from ...core.db import Database
from ...core.ids import known_id
from ...core.principal import Principal
from ...core.rerun import rerunnable
from ...core.slots import Slots
from ...core.tenancy import Scope, TenantSession
from ...errors import BadRequest, NotFound
from ...types import Id, JSONObject
from ...web.filtering import Query
from ...web.pagination import Page, list_page
from ...web.query_bounds import counted
from ..access.policy import Permission
from ..access.service import Access
from ..agents.service import find_agent
from . import posted
from .bounds import id_bounds
from .columns import COLUMNS
from .export import Export, checked_format, exported
from .meter import Meter
from .models import ActivityLog
from .payload import Payloads
from .stream import LASTS_S, LOGIN_LASTS_S, PING_S, LogStream, Places
from .unrolled import note_ended


class Activity:
    """Reads the log, and keeps what clients did themselves."""

    def __init__(self, database: Database, access: Access, payloads: Payloads, slots: Slots, meter: Meter) -> None:
        self._db = database
        self._access = access
        self._payloads = payloads
        self._places = Places(slots)
        self._slots = slots
        self._meter = meter

    def record(self, data: Mapping[str, Any], *, size: int = 0, principal: Principal | None = None) -> JSONObject:
        """Keep one thing that a client did itself; returns the row as lists show it.

        :param size: bytes of the client's request; 0 without one.
        :raises Forbidden: for executions, tokens and costs, when the principal may not report usage.
        :raises Invalid: naming each wrong field.
        :raises RateLimited: when the tenant posts too much.
        """
        principal = self._access.require(Permission.RECORD_ACTIVITY, principal)
        self._meter.hit(principal, 1, size)
        return self._record(data, principal)

    @rerunnable
    def _record(self, data: Mapping[str, Any], principal: Principal) -> JSONObject:
        item = posted.checked_one(data)
        if not self._access.allows(principal, Permission.REPORT_USAGE):
            posted.refuse_one(item)
        with self._db.transaction(self._access.scope(principal)) as session:
            row = posted.row(session, item, principal, self._payloads)
            session.insert_rows(ActivityLog, [row])
            note_ended(session, [row])
        return row

    def record_many(
        self,
        data: Sequence[Any],
        *,
        lenient: bool = False,
        size: int = 0,
        principal: Principal | None = None,
    ) -> posted.Recorded:
        """Keep up to 10,000 things that a client did itself: all or none, or the good ones if ``lenient``.

        :param size: bytes of the client's request; 0 without one.
        :raises Forbidden: for executions, tokens and costs, when the principal may not report usage; if
            ``lenient`` they are passed over like wrong ones.
        :raises Invalid: naming each wrong item; if ``lenient`` only when there is no good one.
        :raises RateLimited: when the tenant posts too much, or too many large posts at once.
        """
        principal = self._access.require(Permission.RECORD_ACTIVITY, principal)
        self._meter.hit(principal, len(data), size)
        with self._meter.large(principal, len(data), size):
            return self._record_many(data, principal, lenient=lenient)

    @rerunnable
    def _record_many(self, data: Sequence[Any], principal: Principal, *, lenient: bool) -> posted.Recorded:
        items, refused = posted.checked(data)
        if not self._access.allows(principal, Permission.REPORT_USAGE):
            posted.refuse_usage(items, refused, lenient=lenient)
        with self._db.transaction(self._access.scope(principal)) as session:
            recorded = posted.recorded(session, items, refused, principal, self._payloads, lenient=lenient)
            session.insert_rows(ActivityLog, recorded.items)
            note_ended(session, recorded.items)
        return recorded

    def get(self, log_id: Id, *, principal: Principal | None = None) -> ActivityLog:
        """One log.

        :raises NotFound: when there is none that the principal can see.
        """
        principal = self._access.require(Permission.READ_ACTIVITY, principal)
        with self._db.transaction(self._access.scope(principal)) as session:
            if (log := session.get(ActivityLog, known_id(log_id, _absent))) is None:
                raise _absent(log_id)
            return log

    def list(self, query: Query | None = None, *, principal: Principal | None = None) -> Page:
        """A page of the logs that the principal can see: its own for a user, the tenant's for an admin."""
        principal = self._access.require(Permission.READ_ACTIVITY, principal)
        with self._db.reading(self._access.scope(principal), counted_for=counted(query, principal)) as session:
            return list_page(session, COLUMNS, query, *id_bounds(query.terms if query else ()))

    def export(
        self, query: Query | None = None, format: str = "csv", *, principal: Principal | None = None
    ) -> Export:
        """All logs of a filter that the principal can see, as ``csv`` or ``jsonl``, newest first, in parts.

        Each page asks again whether the principal may read it: an export ends with the key that asked for it.
        The whole counts as one expensive read until it ends, is closed or collected.

        :param query: its ``cursor`` is the id of the last row that arrived: the rows behind it, without a header.
        :raises BadRequest: for another format, and for a query that :meth:`list` refuses.
        :raises RateLimited: when the principal or its tenant has as many expensive reads or streams as it may.
        :raises Unavailable: when this process does.
        """
        principal = self._access.require(Permission.READ_ACTIVITY, principal)
        query = query or Query()
        if not query.order:
            query = replace(query, order=((_export_order(self._access.scope(principal)), True),))

        def read(part: Query) -> Page:
            # Called while the answer is sent, when the request's own contexts are gone.
            with self._db.app.app_context():
                self._access.require_still(Permission.READ_ACTIVITY, principal)
                with self._db.reading(self._access.scope(principal)) as session:
                    return list_page(session, COLUMNS, part, *id_bounds(part.terms))

        checked = checked_format(format)
        with ExitStack() as slots:
            slots.enter_context(self._slots.take(principal))
            slots.enter_context(self._db.expensive_reads.take(principal))
            return Export(exported(read, query, checked), slots.pop_all().close)

    def stream(
        self,
        query: Query | None = None,
        *,
        last_event_id: str | None = None,
        ping_s: float = PING_S,
        principal: Principal | None = None,
    ) -> LogStream:
        """The logs of a filter that the principal can see, each as it appears and as it ends; close it.

        :param query: its filter counts, nothing else of it.
        :param last_event_id: the token from which an earlier stream is to go on.
        :param ping_s: seconds of silence after which the reader is tried.
        :raises BadRequest: for a filter that :meth:`list` refuses, for an order, and for what is no token.
        :raises RateLimited: when the tenant has too many open. A user's oldest ends when it begins one too many.
        :raises Unavailable: when the process has too many.
        """
        principal = self._access.require(Permission.READ_ACTIVITY, principal)
        if query and (query.order or query.select or query.cursor):
            raise BadRequest("A stream takes filters alone.", hint="Leave order, select and cursor out.")

        @contextmanager
        def reading() -> Iterator[TenantSession]:
            # Called while the answer is sent, when the request's own contexts are gone.
            with self._db.app.app_context():
                self._access.require_still(Permission.READ_ACTIVITY, principal)
                with self._db.reading(self._access.scope(principal)) as session:
                    yield session

        place = self._places.take(principal)
        try:
            lasts_s = LASTS_S if principal.key_id else LOGIN_LASTS_S
            terms = query.terms if query else ()
            return LogStream(reading, terms, last_event_id, place, lasts_s=lasts_s, ping_s=ping_s)
        except BaseException:
            place.leave()
            raise

    def list_for_agent(
        self, agent_id: Id, query: Query | None = None, *, principal: Principal | None = None
    ) -> Page:
        """A page of one agent's logs.

        :raises NotFound: when the principal cannot see the agent.
        """
        principal = self._access.require(Permission.READ_ACTIVITY, principal)
        with self._db.reading(self._access.scope(principal), counted_for=counted(query, principal)) as session:
            agent = find_agent(session, agent_id)
            bounds = id_bounds(query.terms if query else ())
            return list_page(session, COLUMNS, query, ActivityLog.agent_id == agent.id, *bounds)


def _absent(log_id: Id) -> NotFound:
    return NotFound(f"There is no activity log {log_id}.", hint="GET /ai_agent_activity_logs lists yours.")


def _export_order(scope: Scope) -> str:
    """Both orders are one, since ids begin with the time; each has its index."""
    return "created_at" if scope.tenant_id and not scope.user_id else "id"
