"""Sums of whole weeks, from those of their days: what asks for months reads few rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_aiagents.core.columns import UTCDateTime
from flask_aiagents.features.analytics.levels import begin_of
from flask_aiagents.features.analytics.weeks import sum_week

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_USAGE = sa.table("ai_agent_usage", sa.column("grain"), sa.column("period_start", UTCDateTime))

_RANKED = (
    *("tenant_id", "level", "grain", "period_start", "agent_id", "user_id"),
    *("status", "error", "executions", "last_used_at"),
)


def upgrade() -> None:
    _rank("level IN ('agent', 'user') AND grain IN ('week', 'day')")
    connection, start = op.get_bind(), _USAGE.c.period_start
    days = connection.scalars(sa.select(start).distinct().where(_USAGE.c.grain == "day")).all()
    for week in sorted({begin_of("week", day) for day in days}):
        sum_week(connection, week)


def downgrade() -> None:
    op.execute("DELETE FROM ai_agent_usage WHERE grain = 'week'")
    _rank("level IN ('agent', 'user') AND grain = 'day'")


def _rank(which: str) -> None:
    name, where = "ix_ai_agent_usage_ranked", sa.text(which)
    op.drop_index(name, "ai_agent_usage", if_exists=True)
    op.create_index(name, "ai_agent_usage", [*_RANKED], sqlite_where=where, postgresql_where=where)
