"""What makes a model belong to a tenant. Hosts may mix these into models of their own."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, validates


class TenantMixin:
    """Rows of one tenant. A row without a tenant is visible to the system scope alone."""

    tenant_id: Mapped[str | None] = mapped_column(sa.String(128))


class SharedTenantMixin:
    """Rows of one tenant, or without a tenant: those every tenant reads and none writes."""

    tenant_id: Mapped[str | None] = mapped_column(sa.String(128))
    tenant_key: Mapped[str] = mapped_column(sa.String(128), default="")
    """The tenant, '' for none; kept in step. Unique constraints and foreign keys need a value that is not NULL."""

    @validates("tenant_id")
    def _keep_tenant_key(self, _: str, tenant_id: str | None) -> str | None:
        self.tenant_key = tenant_id or ""
        return tenant_id


class OwnedMixin:
    """Rows that belong to a user of the tenant; a scope with ``user_id`` sees that user's alone."""

    user_id: Mapped[str] = mapped_column(sa.String(255))


class OfAgentMixin:
    """Rows about agents; a scope with ``agent_ids`` sees those of its agents, and none without an agent."""

    agent_id: Any

    @classmethod
    def agent_column(cls) -> Any:
        """Return the column that holds the agent's id."""
        # SQLAlchemy also looks at criteria with the mixin itself, which has no columns.
        return getattr(cls, "agent_id", sa.column("agent_id", sa.Uuid))
