"""How much of requests and answers each agent's logs keep, and sums by action and, of users, by hour.

All logs are still there, so all that has ended is noted as not yet counted: maintenance counts it anew. Until it
has, figures read these logs themselves.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add("ai_agents", sa.Column("log_payload_kb", sa.SmallInteger, nullable=False, server_default="64"))
    if "action" not in _columns("ai_agent_usage"):
        _count_anew()  # before the column: whoever finds it knows that this is done
        _add("ai_agent_usage", sa.Column("action", sa.String(64)))


def downgrade() -> None:
    # The sums keep their actions: when logs have left, nobody could make them anew.
    if "log_payload_kb" in _columns("ai_agents"):
        op.drop_column("ai_agents", "log_payload_kb")


def _count_anew() -> None:
    op.execute("DELETE FROM ai_agent_usage")
    op.execute(
        "INSERT INTO ai_agent_unrolled_logs (log_id, tenant_id) SELECT id, tenant_id FROM ai_agent_activity_logs "
        "WHERE status <> 'running' AND id NOT IN (SELECT log_id FROM ai_agent_unrolled_logs)"
    )


def _add(table: str, column: sa.Column[Any]) -> None:
    if column.name not in _columns(table):
        op.add_column(table, column)


def _columns(table: str) -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
