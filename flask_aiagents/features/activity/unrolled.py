"""Notes of what has ended, for the rollups to come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...core.tenancy import TenantSession
from .models import UnrolledLog


def note_ended(session: TenantSession, logs: Iterable[Mapping[str, Any]]) -> None:
    """Note logs that have ended, in the transaction that ends them."""
    notes = [{"log_id": log["id"], "tenant_id": log["tenant_id"]} for log in logs]
    if notes:
        session.insert_rows(UnrolledLog, notes)
