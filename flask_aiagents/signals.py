"""News of what happened, as blinker signals with typed payloads.

A public signal goes out after the commit of the change it tells of; the sender is the Flask app and the
payload arrives as ``event``::

    @agent_executed.connect_via(app)
    def bill(sender, *, event, **_):
        invoice(event.tenant_id, event.cost_usd)

A receiver that raises is logged and stops nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from uuid import UUID

from blinker import Namespace, Signal

from .actions import Action
from .logs import logger
from .types import JSON, JSONObject

if TYPE_CHECKING:
    from flask import Flask

_log = logger(__name__)
_signals = Namespace()

recording = _signals.signal("recording")
"""Sent inside the change's transaction, for the activity log alone: if a receiver raises, the change is undone."""

agent_created = _signals.signal("agent-created")
"""Sent after an agent was made. Receivers get ``event=AgentCreated``."""

agent_updated = _signals.signal("agent-updated")
"""Sent after an agent was changed. Receivers get ``event=AgentUpdated``."""

agent_deleted = _signals.signal("agent-deleted")
"""Sent after an agent was deleted. Receivers get ``event=AgentDeleted``."""

agent_configured = _signals.signal("agent-configured")
"""Sent after a tenant's configuration of an agent changed. Receivers get ``event=AgentConfigured``."""

agent_executed = _signals.signal("agent-executed")
"""Sent after every execution, failed ones too. Receivers get ``event=AgentExecuted``."""

agent_failed = _signals.signal("agent-failed")
"""Sent after an execution that did not succeed, besides ``agent_executed``, with the same payload."""

api_key_changed = _signals.signal("api-key-changed")
"""Sent after an API key was created or revoked. Receivers get ``event=ApiKeyChanged``."""

credential_changed = _signals.signal("credential-changed")
"""Sent after a provider key was stored, rotated or removed. Receivers get ``event=CredentialChanged``."""

retention_changed = _signals.signal("retention-changed")
"""Sent after it was said how long a tenant's logs are kept. Receivers get ``event=RetentionChanged``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Who did it, in which tenant (None: shared), to which agent if to any."""

    tenant_id: str | None
    user_id: str
    agent_id: UUID | None = None
    agent_name: str | None = None

    signals: ClassVar[tuple[Signal, ...]] = ()
    action: ClassVar[str] = ""
    """A value of :class:`.Action`: clients are refused to report what the system records."""

    @property
    def details(self) -> JSONObject:
        """What the activity log keeps of it as ``request_data``."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCreated(Event):
    values: JSONObject = field(default_factory=dict)
    signals: ClassVar = (agent_created,)
    action: ClassVar = Action.CREATE.value

    @property
    def details(self) -> JSONObject:
        return self.values


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentUpdated(Event):
    changes: JSONObject = field(default_factory=dict)
    """Field to its new value, for the fields that changed."""
    signals: ClassVar = (agent_updated,)
    action: ClassVar = Action.UPDATE.value

    @property
    def details(self) -> JSONObject:
        return self.changes


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDeleted(Event):
    signals: ClassVar = (agent_deleted,)
    action: ClassVar = Action.DELETE.value


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfigured(Event):
    configuration: JSONObject | None
    """The tenant's overrides; None when they were removed."""
    is_active: bool = True
    signals: ClassVar = (agent_configured,)
    action: ClassVar = Action.CONFIGURE.value

    @property
    def details(self) -> JSONObject:
        return {"configuration": self.configuration, "is_active": self.is_active}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyChanged(Event):
    key_id: UUID
    change: Literal["create_key", "revoke_key"]
    signals: ClassVar = (api_key_changed,)

    @property
    def action(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]  # one class, two verbs
        return self.change

    @property
    def details(self) -> JSONObject:
        return {"key_id": str(self.key_id)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialChanged(Event):
    credential_id: UUID
    provider: str
    change: Literal["store_credential", "delete_credential"]
    signals: ClassVar = (credential_changed,)

    @property
    def action(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]  # one class, two verbs
        return self.change

    @property
    def details(self) -> JSONObject:
        return {"credential_id": str(self.credential_id), "provider": self.provider}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionChanged(Event):
    logs_of: str
    """The action whose logs these are, ``*`` for all."""
    days: int | None
    """None: the tenant has no rule for them any more."""
    signals: ClassVar = (retention_changed,)
    action: ClassVar = Action.SET_RETENTION.value

    @property
    def details(self) -> JSONObject:
        return {"logs_of": self.logs_of, "days": self.days}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten(Event):
    """A tenant or a person was forgotten. Belongs to no tenant, and does not say who the person was."""

    of_tenant: str | None
    is_person: bool
    action: ClassVar = Action.FORGET.value

    @property
    def details(self) -> JSONObject:
        return {"forgotten": "person" if self.is_person else "tenant", "tenant": self.of_tenant}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentExecuted(Event):
    log_id: UUID
    status: str
    duration_ms: int
    tokens_used: int | None = None
    cost_usd: Decimal | None = None
    """None: no known price."""
    provider: str | None = None
    model: str | None = None
    error: str | None = None
    output: JSON = field(default=None, repr=False)
    action: ClassVar = Action.EXECUTE.value

    @property
    def signals(self) -> tuple[Signal, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return (agent_executed,) if self.status == "success" else (agent_executed, agent_failed)


def publish(app: Flask, event: Event) -> None:
    """Send an event to its public signals; a receiver that fails is logged and the others still hear of it."""
    for signal in event.signals:
        for receiver in signal.receivers_for(app):
            _deliver(receiver, app, event)


def _deliver(receiver: Any, app: Flask, event: Event) -> None:
    try:
        receiver(app, event=event)
    except Exception:  # a host's receiver must not break the work that it only hears about
        _log.exception("A receiver of %s failed.", type(event).__name__)
