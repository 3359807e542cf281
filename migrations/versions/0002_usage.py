"""Sums of the activity log by hour and by day, and what they do not have yet.

Each step looks before it acts. What has ended before is noted as not yet counted before the table of sums is
made: whoever finds that table knows that the noting is done, and no log is noted twice.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from flask_aiagents.core.columns import JSONB, UTCDateTime
from flask_aiagents.core.rls import enable
from flask_aiagents.features.analytics.models import Total

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_OPTIONS: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "if_not_exists": True}

_TABLES = ("ai_agent_unrolled_logs", "ai_agent_usage")

_INDEXES = {
    "level": ("level", "grain", "period_start"),
    "tenant": ("tenant_id", "level", "grain", "period_start"),
    "user": ("tenant_id", "user_id", "level", "grain", "period_start"),
    "agent": ("agent_id", "level", "grain", "period_start"),
}


def upgrade() -> None:
    _create_unrolled_logs()
    if not sa.inspect(op.get_bind()).has_table("ai_agent_usage"):
        _note_what_has_ended()
    _create_usage()
    if op.get_bind().dialect.name == "postgresql":
        for table in _TABLES:
            for statement in enable(table):
                op.execute(statement)
        _grant()


def downgrade() -> None:
    for table in (*_TABLES, "ai_agent_sealed_days"):  # which 0004 makes: the days whose sums nobody makes anew
        op.drop_table(table, if_exists=True)


def _create_unrolled_logs() -> None:
    op.create_table(
        "ai_agent_unrolled_logs",
        sa.Column("log_id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.String(128)),
        **_OPTIONS,
    )


def _note_what_has_ended() -> None:
    op.execute(
        "INSERT INTO ai_agent_unrolled_logs (log_id, tenant_id) SELECT id, tenant_id FROM ai_agent_activity_logs "
        "WHERE action = 'execute' AND status <> 'running' "
        "AND id NOT IN (SELECT log_id FROM ai_agent_unrolled_logs)"
    )


def _create_usage() -> None:
    op.create_table(
        "ai_agent_usage",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("level", sa.String(8), nullable=False),
        sa.Column("grain", sa.String(8), nullable=False),
        sa.Column("period_start", UTCDateTime, nullable=False),
        sa.Column("tenant_id", sa.String(128)),
        sa.Column("agent_id", sa.Uuid),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("provider", sa.String(64)),
        sa.Column("model", sa.String(255)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("error", sa.String(64)),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("executions", "unpriced", "timed")),
        *(
            sa.Column(name, Total(), nullable=False)
            for name in ("tokens_used", "input_tokens", "output_tokens", "cached_tokens", "duration_sum_ms")
        ),
        sa.Column("cost_usd", Total(12), nullable=False),
        sa.Column("durations", JSONB, nullable=False),
        sa.Column("last_used_at", UTCDateTime, nullable=False),
        **_OPTIONS,
    )
    for name, columns in _INDEXES.items():
        op.create_index(f"ix_ai_agent_usage_{name}", "ai_agent_usage", list(columns), if_not_exists=True)
    ranked = sa.text("level IN ('agent', 'user') AND grain = 'day'")
    op.create_index(
        "ix_ai_agent_usage_ranked",
        "ai_agent_usage",
        [
            *("tenant_id", "level", "grain", "period_start", "agent_id", "user_id"),
            *("status", "error", "executions", "last_used_at"),
        ],
        sqlite_where=ranked,
        postgresql_where=ranked,
        if_not_exists=True,
    )


def _grant() -> None:
    """Where another role migrates, the application's role gets what it needs and no more."""
    role = op.get_context().config.attributes["application_role"]  # pyright: ignore[reportOptionalMemberAccess]
    owner = op.get_bind().scalar(sa.text("SELECT current_user"))
    if role in (None, owner):
        return
    quoted = op.get_bind().dialect.identifier_preparer.quote(role)
    for table in _TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {quoted}")
