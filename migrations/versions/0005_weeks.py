"""Sums of whole weeks, from those of their days: what asks for months reads few rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.columns import UTCDateTime
from flask_aiagents.features.analytics.levels import begin_of
from flask_aiagents.features.analytics.weeks import sum_week

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_USAGE = sa.table("ai_agent_usage", sa.column("grain"), sa.column("period_start", UTCDateTime))

_CLAIM = sa.table("ai_agent_claims", sa.column("name"), sa.column("holder"), sa.column("until", UTCDateTime))

_RANKED = (
    *("tenant_id", "level", "grain", "period_start", "agent_id", "user_id"),
    *("status", "error", "executions", "last_used_at"),
)

_RANKED_ROWS = "level IN ('agent', 'user') AND grain IN ('week', 'day')"


def upgrade() -> None:
    connection, start = op.get_bind(), _USAGE.c.period_start
    shuts_readers_out = connection.dialect.name == "postgresql"  # for as long as the migration takes
    if not shuts_readers_out:
        _rank(_RANKED_ROWS)  # which commits on MariaDB: what was read before would fix what is seen of the days
    _keep_rollers_out(connection)
    days = connection.scalars(sa.select(start).distinct().where(_USAGE.c.grain == "day")).all()
    for week in sorted({begin_of("week", day) for day in days}):
        sum_week(connection, week)
    if shuts_readers_out:
        _rank(_RANKED_ROWS)


def downgrade() -> None:
    op.execute("DELETE FROM ai_agent_usage WHERE grain = 'week'")
    _rank("level IN ('agent', 'user') AND grain = 'day'")


def _keep_rollers_out(connection: sa.Connection) -> None:
    """Until this ends: what they counted meanwhile would be missing from its week."""
    if not connection.execute(sa.update(_CLAIM).where(_CLAIM.c.name == "rollups").values(until=utcnow())).rowcount:
        connection.execute(sa.insert(_CLAIM).values(name="rollups", holder="", until=utcnow()))


def _rank(which: str) -> None:
    name, where = "ix_ai_agent_usage_ranked", sa.text(which)
    op.drop_index(name, "ai_agent_usage", if_exists=True)
    op.create_index(name, "ai_agent_usage", [*_RANKED], sqlite_where=where, postgresql_where=where)
