"""The table ``ai_agent_credentials``."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ...core.columns import Base, IdMixin, TimestampMixin
from ...core.tenancy import OfAgentMixin, TenantMixin

PATH_LENGTH = 255
"""Longest path prefix of a stored key, in characters: MariaDB's unique keys hold 3,072 bytes."""


class Credential(IdMixin, TenantMixin, OfAgentMixin, TimestampMixin, Base):
    """One provider key of one agent, or of one tenant, for one (provider, origin, path prefix).

    The row of a shared agent has no tenant: only the system scope sees it.
    """

    __tablename__ = "ai_agent_credentials"
    __table_args__ = (
        sa.UniqueConstraint(
            "tenant_key", "agent_key", "provider", "origin", "path_prefix", name="uq_ai_agent_credentials_place"
        ),
        sa.ForeignKeyConstraint(
            ["agent_tenant_key", "agent_id"], ["ai_agents.tenant_key", "ai_agents.id"], ondelete="CASCADE"
        ),
        sa.CheckConstraint(
            "agent_tenant_key IS NULL OR agent_tenant_key IN ('', tenant_key)", name="agent_tenant"
        ),
        sa.CheckConstraint("tenant_key = coalesce(tenant_id, '')", name="tenant_key"),
    )

    tenant_key: Mapped[str] = mapped_column(sa.String(128))
    """The tenant, '' for none: NULLs would not count as equal in the unique constraint."""
    agent_id: Mapped[UUID | None] = mapped_column(sa.Uuid)
    agent_tenant_key: Mapped[str | None] = mapped_column(sa.String(128))
    agent_key: Mapped[str] = mapped_column(sa.String(32))
    """The agent's id in hex, '' for a credential of the whole tenant."""
    provider: Mapped[str] = mapped_column(sa.String(64))
    origin: Mapped[str] = mapped_column(sa.String(255))
    """Scheme, host and port of the only place this key is sent to."""
    path_prefix: Mapped[str] = mapped_column(sa.String(PATH_LENGTH), default="", server_default="")
    """The path there below which requests may carry this key; empty for the whole origin."""
    ciphertext: Mapped[str] = mapped_column(sa.Text, deferred=True)
    masked: Mapped[str] = mapped_column(sa.String(8))
    """What is shown of the key: stars and its last four characters."""
    created_by: Mapped[str] = mapped_column(sa.String(255))
