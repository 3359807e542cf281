"""An index that ranks by weeks, too. The weeks themselves are summed by the revision that tells sources apart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_RANKED = (
    *("tenant_id", "level", "grain", "period_start", "agent_id", "user_id"),
    *("status", "error", "executions", "last_used_at"),
)


def upgrade() -> None:
    _rank("level IN ('agent', 'user') AND grain IN ('week', 'day')")


def downgrade() -> None:
    op.execute("DELETE FROM ai_agent_usage WHERE grain = 'week'")
    _rank("level IN ('agent', 'user') AND grain = 'day'")


def _rank(which: str) -> None:
    name, where = "ix_ai_agent_usage_ranked", sa.text(which)
    op.drop_index(name, "ai_agent_usage", if_exists=True)
    op.create_index(name, "ai_agent_usage", [*_RANKED], sqlite_where=where, postgresql_where=where)
