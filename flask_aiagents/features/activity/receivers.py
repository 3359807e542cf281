"""From news to rows: each change's log is written in the change's own transaction."""

from __future__ import annotations

from typing import Any

from flask import Flask

from ...core.clock import uuid7, uuid7_time
from ...core.db import Database
from ...signals import Event, recording
from .models import ActivityLog, LogStatus, Source
from .payload import Payloads
from .unrolled import note_ended

RECORDER = "aiagents_recorder"
"""Key in ``app.extensions`` of the function that writes the log."""


def connect(app: Flask, database: Database, payloads: Payloads) -> None:
    """Record what this app's services announce; if that fails, the change is undone."""

    def record(_: Flask, *, event: Event, **__: Any) -> None:
        log_id = uuid7()
        row = {
            "id": log_id,
            "agent_id": event.agent_id,
            "agent_name": event.agent_name,
            "user_id": event.user_id,
            "tenant_id": event.tenant_id,
            "action": event.action,
            "source": Source.SYSTEM.value,
            "request_data": payloads.kept(event.details),
            "unpriced": False,
            "status": LogStatus.SUCCESS.value,
            "created_at": uuid7_time(log_id),
        }
        session = database.joined_session()
        session.insert_rows(ActivityLog, [row])
        note_ended(session, [row])

    # The app keeps it alive, and not the signal: that would keep the app alive for the life of the process.
    app.extensions[RECORDER] = record
    recording.connect(record, sender=app)
