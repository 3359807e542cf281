"""The tables ``ai_agents`` and ``ai_agent_configurations``."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, validates

from ...core.clock import utcnow
from ...core.columns import JSONB, Base, IdMixin, TimestampMixin, UTCDateTime
from ...core.tenancy import OfAgentMixin, SharedTenantMixin, TenantMixin
from ...types import JSONObject

NAME_LENGTH = 200
"""Longest name, in characters. Its key may be three times as long: that is how far case folding stretches."""


class Status(StrEnum):
    """Set by people; only an active agent runs."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    ERROR = "error"
    MAINTENANCE = "maintenance"


def name_key(name: str) -> str:
    """The form in which names are compared: composed, case folded, without outer blanks."""
    return unicodedata.normalize("NFC", name.strip()).casefold()


class Agent(IdMixin, SharedTenantMixin, OfAgentMixin, Base):
    """A named, typed definition of what to ask which model. A NULL tenant shares it with all."""

    __tablename__ = "ai_agents"
    __allow_unmapped__ = True
    __table_args__ = (
        sa.UniqueConstraint("tenant_key", "name_key"),
        sa.UniqueConstraint("tenant_key", "id"),
        sa.Index(None, "tenant_id", "created_at", "id"),
        sa.CheckConstraint("tenant_key = coalesce(tenant_id, '')", name="tenant_key"),
    )

    name: Mapped[str] = mapped_column(sa.String(NAME_LENGTH))
    name_key: Mapped[str] = mapped_column(sa.String(3 * NAME_LENGTH))
    description: Mapped[str] = mapped_column(sa.Text, default="")
    agent_type: Mapped[str] = mapped_column(sa.String(64))
    capabilities: Mapped[list[str]] = mapped_column(JSONB, default=list)
    model_config: Mapped[JSONObject] = mapped_column(JSONB)
    status: Mapped[str] = mapped_column(sa.String(16), default=Status.ACTIVE)
    status_set_by_admin: Mapped[bool] = mapped_column(sa.Boolean, default=False, server_default=sa.false())
    """True once a principal with OVERRIDE_STATUS changed the status; from then on nobody else may change it."""
    cached_figures: Mapped[JSONObject | None] = mapped_column(
        "performance_metrics", JSONB, deferred=True, deferred_raiseload=True
    )
    """Figures with their ``as_of``, of all who ran the agent: never loaded with it, since few may know them.
    Maintenance refreshes them, executions never touch this row."""
    performance_metrics: JSONObject | None = None
    """The same figures, where the service that read the agent knows that the reader may see them."""
    log_payload_kb: Mapped[int] = mapped_column(sa.SmallInteger, default=64, server_default="64")
    """How many KB of each request and answer its logs keep: 0 for none, 64 for as much as a log may hold."""
    created_by: Mapped[str] = mapped_column(sa.String(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    version: Mapped[int] = mapped_column(sa.Integer)
    """Counts the changes; the ETag."""

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  # SQLAlchemy reads it as a plain dict

    @classmethod
    def agent_column(cls) -> Any:
        """Return the agent's own id."""
        return cls.id

    @validates("name")
    def _fold(self, _: str, name: str) -> str:
        self.name_key = name_key(name)
        return name.strip()


class AgentConfiguration(IdMixin, TenantMixin, OfAgentMixin, TimestampMixin, Base):
    """One tenant's overrides of an agent, merged over its ``model_config`` when active.

    The agent is the tenant's own or a shared one; a composite foreign key and a check see to it, for
    row-level security does not stop a row from pointing into another tenant.
    """

    __tablename__ = "ai_agent_configurations"
    __table_args__ = (
        sa.UniqueConstraint("agent_id", "tenant_id"),
        sa.ForeignKeyConstraint(
            ["agent_tenant_key", "agent_id"], ["ai_agents.tenant_key", "ai_agents.id"], ondelete="CASCADE"
        ),
        sa.CheckConstraint("agent_tenant_key IN ('', tenant_id)", name="agent_tenant"),
    )

    agent_id: Mapped[UUID] = mapped_column(sa.Uuid)
    agent_tenant_key: Mapped[str] = mapped_column(sa.String(128))
    configuration: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    is_active: Mapped[bool] = mapped_column(sa.Boolean, default=True)
