"""API keys, as a hash: the token itself is shown once and kept nowhere."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ...core.clock import utcnow
from ...core.columns import JSONB, Base, IdMixin, UTCDateTime
from ...core.principal import Role
from ...core.tenancy import TenantMixin


class ApiKey(IdMixin, TenantMixin, Base):
    """A token by which a machine acts as a user of a tenant. A super admin's key has no tenant."""

    __tablename__ = "ai_agent_api_keys"

    name: Mapped[str] = mapped_column(sa.String(255))
    user_id: Mapped[str] = mapped_column(sa.String(255))
    role: Mapped[str] = mapped_column(sa.String(32), default=Role.USER)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    """SHA-256 of the whole token, in hex; enough, since tokens carry 256 random bits."""
    created_by: Mapped[str] = mapped_column(sa.String(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """The last use, to the minute."""
    made_by_key_id: Mapped[UUID | None] = mapped_column(sa.Uuid, index=True)
    """The key that made it; NULL: a login did. Revoking that key revokes this one."""
    permissions: Mapped[list[str] | None] = mapped_column(JSONB)
    """Slugs of the permissions that it has; NULL: all of its role's."""
    agent_ids: Mapped[list[str] | None] = mapped_column(JSONB)
    """The agents that it sees and acts on; NULL: all."""
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
