"""The activity log: opened and ended for executions, recorded for clients, read by role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...config import Settings
from ...core.clock import uuid7_time
from ...core.db import Database
from ...core.principal import Principal
from ...core.tenancy import Scope, TenantSession
from ...errors import BadRequest, NotFound
from ...types import JSON, JSONObject
from ...web.filtering import Query
from ...web.pagination import Page, list_page
from ..access.policy import Permission
from ..access.service import Access
from ..agents.service import find_agent
from . import posted
from .bounds import id_bounds
from .columns import COLUMNS
from .expiry import end_expired
from .export import checked_format, exported
from .models import ActivityLog, LogStatus, Source
from .payload import ALL_KB, Payloads, bounded, clipped
from .stream import LASTS_S, LOGIN_LASTS_S, PING_S, LogStream, Places
from .unrolled import note_ended

_RUNNING = ActivityLog.status == LogStatus.RUNNING.value

_ENDED = (
    *("status", "response_data", "duration_ms", "attempts", "finish_reason", "error", "provider", "model"),
    *("tokens_used", "input_tokens", "output_tokens", "cached_tokens", "cost_usd", "unpriced"),
)

# The lease goes with the end: so the index that finds expired ones holds running rows alone, on MariaDB too,
# which has no partial indexes.
_END = (
    sa.update(ActivityLog)
    .where(ActivityLog.id == sa.bindparam("log_id"), _RUNNING)
    .values({name: sa.bindparam(f"new_{name}") for name in _ENDED} | {"lease_until": sa.null()})
    .execution_options(synchronize_session=False)
)

_NOTED = ("response_data", "input_tokens", "output_tokens")

_NOTE = (
    sa.update(ActivityLog)
    .where(ActivityLog.id == sa.bindparam("log_id"), _RUNNING)
    .values({name: sa.bindparam(f"new_{name}") for name in _NOTED})
    .execution_options(synchronize_session=False)
)


class Activity:
    """Writes and reads the log."""

    def __init__(self, database: Database, access: Access, settings: Settings, payloads: Payloads) -> None:
        self._db = database
        self._access = access
        self._settings = settings
        self._payloads = payloads
        self._places = Places()

    def begin(
        self,
        *,
        log_id: UUID,
        principal: Principal,
        agent_id: UUID | None,
        agent_name: str | None,
        request_data: JSON,
        lease_until: datetime,
        provider: str,
        model: str,
        action: str = "execute",
        payload_kb: int = ALL_KB,
    ) -> None:
        """Write the running row of an execution, or of a test of a key, and commit it.

        :param payload_kb: how much is kept of the request, in KB; the agent's ``log_payload_kb``.
        """
        row = {
            "id": log_id,
            "agent_id": agent_id,
            "agent_name": agent_name,
            "user_id": principal.user_id,
            "tenant_id": principal.tenant_id,
            "action": action,
            "source": Source.SYSTEM.value,
            "request_data": self._payloads.kept(request_data, payload_kb),
            "provider": clipped(provider, 64),
            "model": clipped(model, 255),
            "unpriced": False,
            "status": LogStatus.RUNNING.value,
            "lease_until": lease_until,
            "created_at": uuid7_time(log_id),
        }
        with self._db.transaction(self._access.scope(principal)) as session:
            session.insert_rows(ActivityLog, [row])

    def finish(
        self,
        log_id: UUID,
        *,
        principal: Principal,
        status: str,
        response_data: JSON,
        duration_ms: int,
        input_tokens: int | None,
        output_tokens: int | None,
        cached_tokens: int | None,
        tokens_used: int | None,
        provider: str | None,
        model: str | None,
        cost_usd: Decimal | None,
        unpriced: bool,
        attempts: JSON,
        finish_reason: str | None,
        error: str | None,
        payload_kb: int = ALL_KB,
    ) -> bool:
        """End a running row; False when it had ended already, as when maintenance gave it up."""
        broke_off = status != LogStatus.SUCCESS.value and finish_reason is None
        keep = self._payloads.kept_midway if broke_off else self._payloads.kept
        return self._change(
            _END,
            log_id,
            principal,
            response_data=keep(response_data, payload_kb),
            status=status,
            duration_ms=max(0, duration_ms),
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_tokens=cached_tokens,
            tokens_used=tokens_used,
            provider=clipped(provider, 64),
            model=clipped(model, 255),
            cost_usd=cost_usd,
            unpriced=unpriced,
            attempts=bounded(attempts),
            finish_reason=clipped(finish_reason, 64),
            error=clipped(error, 64),
        )

    def note_progress(
        self,
        log_id: UUID,
        *,
        principal: Principal,
        response_data: JSON,
        input_tokens: int,
        output_tokens: int,
        payload_kb: int = ALL_KB,
    ) -> bool:
        """Note what a running stream has written so far; it stays running.

        Where the host redacts, nothing of the text is noted.
        """
        return self._change(
            _NOTE,
            log_id,
            principal,
            response_data=self._payloads.kept_midway(response_data, payload_kb),
            input_tokens=input_tokens,
            output_tokens=output_tokens,
        )

    def record(self, data: Mapping[str, Any], *, principal: Principal | None = None) -> JSONObject:
        """Keep one thing that a client did itself; returns the row as lists show it.

        :raises Invalid: naming each wrong field.
        """
        principal = self._access.require(Permission.RECORD_ACTIVITY, principal)
        item = posted.checked_one(data)
        with self._db.transaction(self._access.scope(principal)) as session:
            row = posted.row(session, item, principal, self._payloads)
            session.insert_rows(ActivityLog, [row])
            note_ended(session, [row])
        return row

    def record_many(
        self, data: Sequence[Any], *, lenient: bool = False, principal: Principal | None = None
    ) -> posted.Recorded:
        """Keep up to 10,000 things that a client did itself: all or none, or the good ones if ``lenient``.

        :raises Invalid: naming each wrong item; if ``lenient`` only when there is no good one.
        """
        principal = self._access.require(Permission.RECORD_ACTIVITY, principal)
        items, refused = posted.checked(data)
        with self._db.transaction(self._access.scope(principal)) as session:
            recorded = posted.recorded(session, items, refused, principal, self._payloads, lenient=lenient)
            session.insert_rows(ActivityLog, recorded.items)
            note_ended(session, recorded.items)
        return recorded

    def get(self, log_id: UUID, *, principal: Principal | None = None) -> ActivityLog:
        """One log.

        :raises NotFound: when there is none that the principal can see.
        """
        principal = self._access.require(Permission.READ_ACTIVITY, principal)
        with self._db.transaction(self._access.scope(principal)) as session:
            if (log := session.get(ActivityLog, log_id)) is None:
                raise NotFound(
                    f"There is no activity log {log_id}.", hint="GET /ai_agent_activity_logs lists yours."
                )
            return log

    def list(self, query: Query | None = None, *, principal: Principal | None = None) -> Page:
        """A page of the logs that the principal can see: its own for a user, the tenant's for an admin."""
        principal = self._access.require(Permission.READ_ACTIVITY, principal)
        with self._db.transaction(self._access.scope(principal)) as session:
            return list_page(session, COLUMNS, query, *id_bounds(query.terms if query else ()))

    def export(
        self, query: Query | None = None, format: str = "csv", *, principal: Principal | None = None
    ) -> Iterator[bytes]:
        """All logs of a filter that the principal can see, as ``csv`` or ``jsonl``, newest first, in parts.

        Each page asks again whether the principal may read it: an export ends with the key that asked for it.

        :param query: its ``cursor`` is the id of the last row that arrived: the rows behind it, without a header.
        :raises BadRequest: for another format, and for a query that :meth:`list` refuses.
        """
        principal = self._access.require(Permission.READ_ACTIVITY, principal)
        query = query or Query()
        if not query.order:
            query = replace(query, order=((_export_order(self._access.scope(principal)), True),))

        def read(part: Query) -> Page:
            # Called while the answer is sent, when the request's own contexts are gone.
            with self._db.app.app_context():
                self._access.require_still(Permission.READ_ACTIVITY, principal)
                return self.list(part, principal=principal)

        return exported(read, query, checked_format(format))

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
        :raises Unavailable: when too many are open. Of one user's the oldest ends when it begins one too many.
        """
        principal = self._access.require(Permission.READ_ACTIVITY, principal)
        if query and (query.order or query.select or query.cursor):
            raise BadRequest("A stream takes filters alone.", hint="Leave order, select and cursor out.")

        @contextmanager
        def reading() -> Iterator[TenantSession]:
            # Called while the answer is sent, when the request's own contexts are gone.
            with self._db.app.app_context():
                self._access.require_still(Permission.READ_ACTIVITY, principal)
                with self._db.transaction(self._access.scope(principal)) as session:
                    yield session

        place = self._places.take((principal.tenant_id, principal.user_id))
        try:
            lasts_s = LASTS_S if principal.key_id else LOGIN_LASTS_S
            terms = query.terms if query else ()
            return LogStream(reading, terms, last_event_id, place, lasts_s=lasts_s, ping_s=ping_s)
        except BaseException:
            place.leave()
            raise

    def list_for_agent(
        self, agent_id: UUID, query: Query | None = None, *, principal: Principal | None = None
    ) -> Page:
        """A page of one agent's logs.

        :raises NotFound: when the principal cannot see the agent.
        """
        principal = self._access.require(Permission.READ_ACTIVITY, principal)
        with self._db.transaction(self._access.scope(principal)) as session:
            find_agent(session, agent_id)
            bounds = id_bounds(query.terms if query else ())
            return list_page(session, COLUMNS, query, ActivityLog.agent_id == agent_id, *bounds)

    def end_expired(self, now: datetime | None = None) -> int:
        """End executions whose process died: those that still run past their lease. Returns how many."""
        return end_expired(self._db, self._settings.prices, now)

    def _change(
        self, statement: sa.Update, log_id: UUID, principal: Principal, *, response_data: JSON, **values: Any
    ) -> bool:
        parameters = {f"new_{name}": value for name, value in values.items()}
        parameters |= {"log_id": log_id, "new_response_data": response_data}
        with self._db.transaction(self._access.scope(principal)) as session:
            changed = bool(session.execute(statement, parameters).rowcount)  # pyright: ignore[reportAttributeAccessIssue]
            if changed and statement is _END:
                note_ended(session, [{"id": log_id, "tenant_id": principal.tenant_id}])
            return changed


def _export_order(scope: Scope) -> str:
    """Both orders are one, since ids begin with the time; each has its index."""
    return "created_at" if scope.tenant_id and not scope.user_id else "id"
