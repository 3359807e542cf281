"""Run an agent: the one way to call a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.db import Database
from ...core.principal import Principal
from ...core.shared_transaction import sharing
from ...core.slots import Slot, Slots
from ...core.turns import end_turn
from ...llm.engine import engine
from ...llm.messages import Message
from ...llm.outcome import Outcome
from ...llm.streams import PING_S
from ...types import Id
from ...web.schema import load
from ...web.servers import warn_of_adapter
from ..access.policy import Permission
from ..access.service import Access
from ..activity.running import RunningLogs
from ..agents.schemas import Catalogue
from .ledger import Entry
from .limiter import Limiter
from .overrides import Overrides
from .plan import Planner
from .probe import Probe
from .result import Execution, Probed
from .schemas import ExecuteSchema
from .stream import ExecutionStream
from .subject import find_subject

_SCHEMA = ExecuteSchema()


class Executions:
    """Runs agents, whole or streamed, each under one log."""

    def __init__(
        self,
        database: Database,
        access: Access,
        running: RunningLogs,
        planner: Planner,
        limiter: Limiter,
        slots: Slots,
    ) -> None:
        self._db = database
        self._access = access
        self._running = running
        self._planner = planner
        self._limiter = limiter
        self._slots = slots
        self._probe = Probe(database, access, running, planner, limiter, slots)
        self._catalogue = Catalogue(planner.settings, planner.tools.names)

    def run(
        self,
        agent_id: Id,
        data: Mapping[str, Any],
        *,
        overrides: Mapping[str, Any] | None = None,
        principal: Principal | None = None,
    ) -> Execution:
        """Ask the agent and wait for the whole answer.

        :param data: ``{"input": "..."}``, or a list of messages as input.
        :param overrides: parameters that replace the agent's for this run, those of
            :data:`~.overrides.OVERRIDABLE`; who may configure may try, and the log names them.
        :raises Forbidden: for overrides of a principal that may not configure agents.
        :raises Invalid: for overrides that no agent, or not this one, may have.
        :raises NotFound: when the principal cannot see the agent.
        :raises Conflict: when the agent is not active, or has no usable key.
        :raises RateLimited: when the principal or its tenant has run, or runs, too many.
        :raises Unavailable: when the process runs as many as it may.
        :raises UpstreamError: when every model failed; the log says how.
        :raises UpstreamTimeout: when the time was up.
        """
        entry = self._open(agent_id, data, overrides, principal)
        try:
            outcome = engine().run(entry.call, waits=end_turn)
        except BaseException:
            entry.close(Outcome(status="error", error="internal", message="The execution broke off."))
            raise
        execution = entry.close(outcome)
        if outcome.status != "success":
            raise execution.error()
        return execution

    def stream(
        self,
        agent_id: Id,
        data: Mapping[str, Any],
        *,
        overrides: Mapping[str, Any] | None = None,
        ping_s: float = PING_S,
        principal: Principal | None = None,
    ) -> ExecutionStream:
        """Ask the agent and hand its answer on piece by piece; close the stream to cancel it.

        Takes what :meth:`run` takes, and raises what that raises before the model is asked; later failures are
        the stream's last event.

        :param ping_s: silence, in seconds, after which None is due; a reader that left is noticed by the second.
        """
        entry = self._open(agent_id, data, overrides, principal)
        try:
            return ExecutionStream(entry, engine().stream(entry.call, ping_s=ping_s))
        except BaseException:
            entry.close(Outcome(status="error", error="internal", message="The execution broke off."))
            raise

    def test(self, data: Mapping[str, Any], *, principal: Principal | None = None) -> Probed:
        """Ask a model once whether a key works; see :meth:`.probe.Probe.test`."""
        return self._probe.test(data, principal=principal)

    def _open(
        self,
        agent_id: Id,
        data: Mapping[str, Any],
        overrides: Mapping[str, Any] | None,
        principal: Principal | None,
    ) -> Entry:
        self._db.refuse_open_transaction()
        warn_of_adapter()
        principal = self._access.require(Permission.EXECUTE_AGENT, principal)
        slot = self._slots.take(principal)
        try:
            with sharing(self._db):
                return self._opened(agent_id, data, overrides, principal, slot)
        except BaseException:
            slot.release()
            raise

    def _opened(
        self,
        agent_id: Id,
        data: Mapping[str, Any],
        overrides: Mapping[str, Any] | None,
        principal: Principal,
        slot: Slot,
    ) -> Entry:
        messages: tuple[Message, ...] = load(_SCHEMA, data)["input"]
        tried = self._tried(overrides, principal)
        subject = find_subject(self._db, self._planner.vault, agent_id, principal, self._access.scope(principal))
        if tried.values:
            subject = tried.over(subject, self._catalogue)
        call = self._planner.call(subject, messages, principal)
        self._limiter.hit(principal)
        entry = Entry(self._planner.app, self._running, principal, subject, call, slot, tried.values)
        entry.open()
        return entry

    def _tried(self, overrides: Mapping[str, Any] | None, principal: Principal) -> Overrides:
        if not overrides:
            return Overrides({})
        # What a configuration of the tenant's may change for good, whoever may write one may try once.
        self._access.require(Permission.WRITE_CONFIGURATION, principal)
        return Overrides.load(overrides)
