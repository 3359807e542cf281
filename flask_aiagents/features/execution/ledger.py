"""The log of one execution: opened as running before the model is asked, ended exactly once after."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ...core.clock import utcnow, uuid7
from ...core.principal import Principal
from ...core.slots import Slot
from ...llm.messages import Call
from ...llm.outcome import Outcome, estimated_tokens
from ...logs import logger
from ...signals import AgentExecuted, publish
from ...types import JSONObject
from ..activity.running import RunningLogs
from .result import Execution, ended_values
from .subject import Subject

_log = logger(__name__)

LEASE_GRACE = timedelta(seconds=30)
"""How long past its deadline a running execution is believed to be alive."""

_END_TRIES = 5

_AWAY = (DBAPIError, PoolTimeout)
"""The database is busy, gone, or all of its connections are taken."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An execution that is logged as running."""

    app: Flask
    running: RunningLogs
    principal: Principal
    subject: Subject
    call: Call
    slot: Slot
    """Held until the end."""
    overrides: JSONObject = field(default_factory=dict)
    """Parameters that were tried in place of the agent's."""
    log_id: UUID = field(default_factory=uuid7)
    started: float = field(default_factory=time.monotonic)

    def open(self) -> None:
        """Write the running row and commit it; from here on exactly one end follows."""
        target = self.call.targets[0]
        self.running.begin(
            log_id=self.log_id,
            principal=self.principal,
            agent_id=self.subject.id,
            agent_name=self.subject.name,
            request_data=self._request_data(),
            lease_until=utcnow() + timedelta(seconds=self.call.limits.total_s) + LEASE_GRACE,
            provider=target.provider,
            model=target.model,
            payload_kb=self.subject.payload_kb,
        )

    def close(self, outcome: Outcome) -> Execution:
        """Write the end and tell the world; a row that maintenance already ended stays as it is."""
        duration_ms = round((time.monotonic() - self.started) * 1000)
        with self.slot:
            if self._end(outcome, duration_ms):
                publish(self.app, self._news(outcome, duration_ms))
        return Execution(self.log_id, self.subject.id, duration_ms, outcome)

    def note(self, text: str) -> None:
        """Note what a stream has written so far, so that its tokens are priced even if this process dies.

        The text is left out where the host redacts, since it may end in the middle of what is to be redacted.
        """
        asked = sum(len(message.content) for message in self.call.messages) + len(self.call.system_prompt or "")
        try:
            self.running.note_progress(
                self.log_id,
                principal=self.principal,
                input_tokens=estimated_tokens(asked),
                output_tokens=estimated_tokens(len(text)),
                response_data={"output": text, "partial": True},
                payload_kb=self.subject.payload_kb,
            )
        except _AWAY:  # a note is a courtesy; the stream goes on without it
            _log.warning("The progress of execution %s was not noted.", self.log_id)

    def _end(self, outcome: Outcome, duration_ms: int) -> bool:
        for tries_left in reversed(range(_END_TRIES)):
            try:
                return self.running.finish(
                    self.log_id,
                    principal=self.principal,
                    duration_ms=duration_ms,
                    payload_kb=self.subject.payload_kb,
                    **ended_values(outcome),
                )
            except _AWAY:
                # The model has been paid for: a busy or restarting database gets further chances before
                # the row is left to its lease.
                if not tries_left:
                    _log.exception("Execution %s could not be ended; its lease will end it.", self.log_id)
                time.sleep(0.2)
        return False

    def _request_data(self) -> JSONObject:
        asked = [{"role": message.role, "content": message.content} for message in self.call.messages]
        # First, so that they stand in the log even where a long input is cut.
        return ({"overrides": self.overrides} if self.overrides else {}) | {"input": asked}

    def _news(self, outcome: Outcome, duration_ms: int) -> AgentExecuted:
        return AgentExecuted(
            agent_id=self.subject.id,
            agent_name=self.subject.name,
            tenant_id=self.principal.tenant_id,
            user_id=self.principal.user_id,
            log_id=self.log_id,
            status=outcome.status,
            duration_ms=duration_ms,
            tokens_used=outcome.usage.total_tokens if outcome.usage else None,
            cost_usd=outcome.cost_usd,
            provider=outcome.provider,
            model=outcome.model,
            error=outcome.error,
            output=outcome.output,
        )
