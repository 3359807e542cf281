"""The table ``ai_agent_usage``: the log's executions, summed by hour, day and week."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped, mapped_column

from ...core.columns import JSONB, Base, UTCDateTime
from ...core.tenancy import OfAgentMixin, OwnedMixin, TenantMixin


class Total(sa.TypeDecorator[Decimal]):
    """A sum that never overflows, whatever clients post: NUMERIC(38), and text on SQLite, whose integers end at
    2^63. On SQLite the digits are those of the smallest unit, as in :class:`Money`."""

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, places: int = 0) -> None:
        super().__init__(38, places)
        self.places = places

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        kind = sa.String(40) if dialect.name == "sqlite" else sa.Numeric(38, self.places)
        return dialect.type_descriptor(kind)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        # Only SQLite's text needs reading: elsewhere the driver's Decimal is it, and there are many.
        return super().result_processor(dialect, coltype) if dialect.name == "sqlite" else None

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return str(int(Decimal(value).scaleb(self.places)))

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        return Decimal(value).scaleb(-self.places)


_RANKED = sa.text("level IN ('agent', 'user') AND grain IN ('week', 'day')")


class Usage(TenantMixin, OwnedMixin, OfAgentMixin, Base):
    """The executions of one hour, day or week that have the same status, error and source, at one level of detail.

    What a level does not tell apart is NULL; the user, who cannot be NULL, is ''.
    """

    __tablename__ = "ai_agent_usage"
    __table_args__ = (
        sa.Index("ix_ai_agent_usage_level", "level", "grain", "period_start"),
        sa.Index("ix_ai_agent_usage_tenant", "tenant_id", "level", "grain", "period_start"),
        sa.Index("ix_ai_agent_usage_user", "tenant_id", "user_id", "level", "grain", "period_start"),
        sa.Index("ix_ai_agent_usage_agent", "agent_id", "level", "grain", "period_start"),
        # Holds all that a ranking asks, so that it reads no row: there may be ten thousand agents to rank.
        sa.Index(
            "ix_ai_agent_usage_ranked",
            *("tenant_id", "level", "grain", "period_start", "agent_id", "user_id"),
            *("status", "error", "source", "executions", "last_used_at"),
            sqlite_where=_RANKED,
            postgresql_where=_RANKED,
        ),
    )

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    """A hash of what the row is about: the same in every process, so that two cannot make two rows of it."""
    level: Mapped[str] = mapped_column(sa.String(8))
    grain: Mapped[str] = mapped_column(sa.String(8))
    period_start: Mapped[datetime] = mapped_column(UTCDateTime)
    agent_id: Mapped[UUID | None] = mapped_column(sa.Uuid)
    provider: Mapped[str | None] = mapped_column(sa.String(64))
    model: Mapped[str | None] = mapped_column(sa.String(255))
    action: Mapped[str | None] = mapped_column(sa.String(64))
    status: Mapped[str] = mapped_column(sa.String(16))
    error: Mapped[str | None] = mapped_column(sa.String(64))
    source: Mapped[str] = mapped_column(sa.String(16))
    """``system``, ``client``, or ``unknown`` of logs that were deleted before rollups had sources."""
    executions: Mapped[int] = mapped_column(sa.BigInteger)
    tokens_used: Mapped[Decimal] = mapped_column(Total())
    input_tokens: Mapped[Decimal] = mapped_column(Total())
    output_tokens: Mapped[Decimal] = mapped_column(Total())
    cached_tokens: Mapped[Decimal] = mapped_column(Total())
    cost_usd: Mapped[Decimal] = mapped_column(Total(12))
    unpriced: Mapped[int] = mapped_column(sa.BigInteger)
    timed: Mapped[int] = mapped_column(sa.BigInteger)
    """Executions whose duration is known."""
    duration_sum_ms: Mapped[Decimal] = mapped_column(Total())
    durations: Mapped[dict[str, int]] = mapped_column(JSONB)
    """Executions by bucket of :mod:`.histogram`."""
    last_used_at: Mapped[datetime] = mapped_column(UTCDateTime)
