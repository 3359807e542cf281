"""The table ``ai_agent_activity_logs``."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ...core.clock import uuid7_time
from ...core.columns import JSONB, Base, IdMixin, Money, TimestampMixin, UTCDateTime
from ...core.tenancy import OfAgentMixin, OwnedMixin, TenantMixin
from ...types import JSON


class LogStatus(StrEnum):
    """``running`` is the only status that changes, once, to one of the others."""

    RUNNING = "running"
    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class Source(StrEnum):
    """Who wrote a log: we, or a client about itself."""

    SYSTEM = "system"
    CLIENT = "client"


class ActivityLog(IdMixin, TenantMixin, OwnedMixin, OfAgentMixin, Base):
    """The record of one action. It has no foreign key to its agent, which it outlives."""

    __tablename__ = "ai_agent_activity_logs"
    __table_args__ = (
        sa.Index(None, "tenant_id", "created_at", "id"),
        sa.Index(None, "tenant_id", "user_id", "id"),
        sa.Index(None, "agent_id", "id"),
        sa.Index(
            "ix_ai_agent_activity_logs_running",
            "lease_until",
            sqlite_where=sa.text("status = 'running'"),
            postgresql_where=sa.text("status = 'running'"),
        ),
    )

    agent_id: Mapped[UUID | None] = mapped_column(sa.Uuid)
    agent_name: Mapped[str | None] = mapped_column(sa.String(200))
    """The agent's name as it was."""
    action: Mapped[str] = mapped_column(sa.String(64))
    source: Mapped[str] = mapped_column(sa.String(16), default=Source.SYSTEM)
    request_data: Mapped[JSON] = mapped_column(JSONB, nullable=True)
    response_data: Mapped[JSON] = mapped_column(JSONB, nullable=True)
    duration_ms: Mapped[int | None] = mapped_column(sa.BigInteger)
    tokens_used: Mapped[int | None] = mapped_column(sa.BigInteger)
    input_tokens: Mapped[int | None] = mapped_column(sa.BigInteger)
    output_tokens: Mapped[int | None] = mapped_column(sa.BigInteger)
    cached_tokens: Mapped[int | None] = mapped_column(sa.BigInteger)
    provider: Mapped[str | None] = mapped_column(sa.String(64))
    model: Mapped[str | None] = mapped_column(sa.String(255))
    cost_usd: Mapped[Decimal | None] = mapped_column(Money)
    unpriced: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    """True when tokens were used for which no price is known; the cost is then NULL, never 0."""
    attempts: Mapped[JSON] = mapped_column(JSONB, nullable=True)
    finish_reason: Mapped[str | None] = mapped_column(sa.String(64))
    status: Mapped[str] = mapped_column(sa.String(16), default=LogStatus.SUCCESS)
    error: Mapped[str | None] = mapped_column(sa.String(64))
    """The kind of error, a word such as ``timeout`` or ``rate_limited``."""
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """Until when a running row may be believed; maintenance ends it as interrupted after that."""
    created_at: Mapped[datetime] = mapped_column(
        UTCDateTime, default=lambda context: uuid7_time(context.get_current_parameters()["id"])
    )


class UnrolledLog(TenantMixin, Base):
    """An ended execution that the rollups do not have yet.

    Written in the transaction that ends the log and taken away in the one that counts it: so none is missed,
    however late its writer commits, and none is counted twice.
    """

    __tablename__ = "ai_agent_unrolled_logs"

    log_id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)


class LogRetention(IdMixin, TenantMixin, TimestampMixin, Base):
    """How long one tenant's logs are kept, of one action or of all without a rule of their own."""

    __tablename__ = "ai_agent_log_retention"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "action"),)

    action: Mapped[str] = mapped_column(sa.String(64))
    """``*`` for all others."""
    days: Mapped[int] = mapped_column(sa.Integer)
    """0 keeps them for good."""


class SealedDay(Base):
    """A day, in UTC, of which logs have been deleted: its sums cannot be made anew."""

    __tablename__ = "ai_agent_sealed_days"

    day: Mapped[datetime] = mapped_column(UTCDateTime, primary_key=True)
