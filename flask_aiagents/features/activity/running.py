"""The rows of executions in the log: opened as running, noted on the way, ended once.

For whoever runs agents: nothing here asks what the principal may do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...config import Settings
from ...core.clock import uuid7_time
from ...core.db import Database
from ...core.principal import Principal
from ...core.rerun import rerunnable
from ...core.tenancy import Prepared, TenantSession
from ...types import JSON
from ..access.service import Access
from .concurrency import one_more
from .expiry import end_expired
from .models import ActivityLog, LogStatus, Source
from .payload import ALL_KB, Payloads, bounded, clipped
from .unrolled import note_ended

_RUNNING = ActivityLog.status == LogStatus.RUNNING.value

_ENDED = (
    *("status", "response_data", "duration_ms", "attempts", "finish_reason", "error", "provider", "model"),
    *("tokens_used", "input_tokens", "output_tokens", "cached_tokens", "cost_usd", "unpriced"),
)

# The lease goes with the end: so the index that finds expired ones holds running rows alone, on MariaDB too,
# which has no partial indexes.
_END = Prepared(
    sa.update(ActivityLog)
    .where(ActivityLog.id == sa.bindparam("log_id"), _RUNNING)
    .values({name: sa.bindparam(f"new_{name}") for name in _ENDED} | {"lease_until": sa.null()})
    .execution_options(synchronize_session=False)
)

_NOTED = ("response_data", "input_tokens", "output_tokens")

_NOTE = Prepared(
    sa.update(ActivityLog)
    .where(ActivityLog.id == sa.bindparam("log_id"), _RUNNING)
    .values({name: sa.bindparam(f"new_{name}") for name in _NOTED})
    .execution_options(synchronize_session=False)
)


class RunningLogs:
    """Writes them, each step in a transaction of its own."""

    def __init__(self, database: Database, access: Access, settings: Settings, payloads: Payloads) -> None:
        self._db = database
        self._access = access
        self._settings = settings
        self._payloads = payloads

    @rerunnable
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
        :raises RateLimited: when the tenant runs ``AIAGENTS_MAX_EXECUTIONS_PER_TENANT`` already.
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
        with self._opening(principal) as session:
            session.insert_rows(ActivityLog, [row])

    @contextmanager
    def _opening(self, principal: Principal) -> Iterator[TenantSession]:
        """Open the transaction of a new row, one at a time where running rows of a tenant are counted."""
        if limit := self._settings.max_executions_per_tenant:
            with one_more(self._db, principal.tenant_id, limit) as session:
                yield session
        else:
            with self._db.shared(self._access.scope(principal), last=True) as session:
                yield session

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

    def end_expired(self, now: datetime | None = None) -> int:
        """End executions whose process died: those that still run past their lease. Returns how many."""
        return end_expired(self._db, self._settings.prices, now)

    @rerunnable
    def _change(
        self, statement: Prepared, log_id: UUID, principal: Principal, *, response_data: JSON, **values: Any
    ) -> bool:
        parameters = {f"new_{name}": value for name, value in values.items()}
        parameters |= {"log_id": log_id, "new_response_data": response_data}
        with self._db.transaction(self._access.scope(principal)) as session:
            changed = bool(session.change(statement, parameters))
            if changed and statement is _END:
                note_ended(session, [{"id": log_id, "tenant_id": principal.tenant_id}])
            return changed
