"""Agents, configurations, activity logs, credentials, API keys and claims.

Each step looks before it acts: MariaDB cannot roll back DDL, so a migration that was killed finds some of its
work done when it runs again.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from flask_aiagents.core.columns import JSONB, Money, UTCDateTime
from flask_aiagents.core.rls import enable

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Names are told apart by their folded key, byte by byte; MariaDB's usual collation would fold accents, too.
_OPTIONS: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "if_not_exists": True}

_TENANT_TABLES = (
    "ai_agent_configurations",
    "ai_agent_activity_logs",
    "ai_agent_credentials",
    "ai_agent_api_keys",
)

_ALL_TABLES = (*_TENANT_TABLES, "ai_agents", "ai_agent_claims")


def upgrade() -> None:
    _create_agents()
    _create_configurations()
    _create_activity_logs()
    _create_credentials()
    _create_api_keys()
    op.create_table(
        "ai_agent_claims",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("until", UTCDateTime, nullable=False),
        **_OPTIONS,
    )
    if op.get_bind().dialect.name == "postgresql":
        _wall()
        _freeze_ended_logs()
        _grant()


def downgrade() -> None:
    for table in _ALL_TABLES:
        if table != "ai_agents":
            op.drop_table(table, if_exists=True)
    op.drop_table("ai_agents", if_exists=True)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS aiagents_refuse_change")


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Uuid, primary_key=True)


def _times() -> list[sa.Column[Any]]:
    return [sa.Column(name, UTCDateTime, nullable=False) for name in ("created_at", "updated_at")]


def _agent_reference() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["agent_tenant_key", "agent_id"], ["ai_agents.tenant_key", "ai_agents.id"], ondelete="CASCADE"
    )


def _create_agents() -> None:
    op.create_table(
        "ai_agents",
        _id(),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("name_key", sa.String(600), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("agent_type", sa.String(64), nullable=False),
        sa.Column("capabilities", JSONB, nullable=False),
        sa.Column("model_config", JSONB, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("performance_metrics", JSONB),
        sa.Column("tenant_id", sa.String(128)),
        sa.Column("tenant_key", sa.String(128), nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        *_times(),
        sa.Column("version", sa.Integer, nullable=False),
        sa.UniqueConstraint("tenant_key", "name_key", name="uq_ai_agents_tenant_key_name_key"),
        sa.UniqueConstraint("tenant_key", "id", name="uq_ai_agents_tenant_key_id"),
        sa.CheckConstraint("tenant_key = coalesce(tenant_id, '')", name="tenant_key"),
        **_OPTIONS,
    )
    _index("ai_agents", "tenant_id", "created_at", "id")


def _create_configurations() -> None:
    op.create_table(
        "ai_agent_configurations",
        _id(),
        sa.Column("agent_id", sa.Uuid, nullable=False),
        sa.Column("agent_tenant_key", sa.String(128), nullable=False),
        sa.Column("tenant_id", sa.String(128)),
        sa.Column("configuration", JSONB, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        *_times(),
        sa.UniqueConstraint("agent_id", "tenant_id", name="uq_ai_agent_configurations_agent_id_tenant_id"),
        _agent_reference(),
        sa.CheckConstraint("agent_tenant_key IN ('', tenant_id)", name="agent_tenant"),
        **_OPTIONS,
    )


def _create_activity_logs() -> None:
    op.create_table(
        "ai_agent_activity_logs",
        _id(),
        sa.Column("agent_id", sa.Uuid),
        sa.Column("agent_name", sa.String(200)),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("tenant_id", sa.String(128)),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("request_data", JSONB),
        sa.Column("response_data", JSONB),
        *(
            sa.Column(name, sa.BigInteger)
            for name in ("duration_ms", "tokens_used", "input_tokens", "output_tokens", "cached_tokens")
        ),
        sa.Column("provider", sa.String(64)),
        sa.Column("model", sa.String(255)),
        sa.Column("cost_usd", Money),
        sa.Column("unpriced", sa.Boolean, nullable=False),
        sa.Column("attempts", JSONB),
        sa.Column("finish_reason", sa.String(64)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("error", sa.String(64)),
        sa.Column("lease_until", UTCDateTime),
        sa.Column("created_at", UTCDateTime, nullable=False),
        **_OPTIONS,
    )
    _index("ai_agent_activity_logs", "tenant_id", "created_at", "id")
    _index("ai_agent_activity_logs", "tenant_id", "user_id", "id")
    _index("ai_agent_activity_logs", "agent_id", "id")
    running = sa.text("status = 'running'")
    op.create_index(
        "ix_ai_agent_activity_logs_running",
        "ai_agent_activity_logs",
        ["lease_until"],
        sqlite_where=running,
        postgresql_where=running,
        if_not_exists=True,
    )


def _create_credentials() -> None:
    op.create_table(
        "ai_agent_credentials",
        _id(),
        sa.Column("tenant_id", sa.String(128)),
        sa.Column("tenant_key", sa.String(128), nullable=False),
        sa.Column("agent_id", sa.Uuid),
        sa.Column("agent_tenant_key", sa.String(128)),
        sa.Column("agent_key", sa.String(32), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("origin", sa.String(255), nullable=False),
        sa.Column("ciphertext", sa.Text, nullable=False),
        sa.Column("masked", sa.String(8), nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        *_times(),
        sa.UniqueConstraint(
            "tenant_key",
            "agent_key",
            "provider",
            "origin",
            name="uq_ai_agent_credentials_tenant_key_agent_key_provider_origin",
        ),
        _agent_reference(),
        sa.CheckConstraint(
            "agent_tenant_key IS NULL OR agent_tenant_key IN ('', tenant_key)", name="agent_tenant"
        ),
        sa.CheckConstraint("tenant_key = coalesce(tenant_id, '')", name="tenant_key"),
        **_OPTIONS,
    )


def _create_api_keys() -> None:
    op.create_table(
        "ai_agent_api_keys",
        _id(),
        sa.Column("tenant_id", sa.String(128)),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        *(
            sa.Column(name, UTCDateTime, nullable=name != "created_at")
            for name in ("created_at", "expires_at", "last_used_at", "revoked_at")
        ),
        sa.UniqueConstraint("token_hash", name="uq_ai_agent_api_keys_token_hash"),
        **_OPTIONS,
    )


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns), if_not_exists=True)


def _wall() -> None:
    for table in _TENANT_TABLES:
        for statement in enable(table):
            op.execute(statement)
    for statement in enable("ai_agents", shared=True):
        op.execute(statement)


def _freeze_ended_logs() -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION aiagents_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION 'an activity log that has ended does not change'; END $$"
    )
    op.execute("DROP TRIGGER IF EXISTS aiagents_ended ON ai_agent_activity_logs")
    op.execute(
        "CREATE TRIGGER aiagents_ended BEFORE UPDATE ON ai_agent_activity_logs FOR EACH ROW "
        "WHEN (OLD.status <> 'running') EXECUTE FUNCTION aiagents_refuse_change()"
    )


def _grant() -> None:
    """Where another role migrates, the application's role gets what it needs and no more."""
    role = op.get_context().config.attributes["application_role"]  # pyright: ignore[reportOptionalMemberAccess]
    owner = op.get_bind().scalar(sa.text("SELECT current_user"))
    if role in (None, owner):
        return
    quoted = op.get_bind().dialect.identifier_preparer.quote(role)
    for table in _ALL_TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {quoted}")
    op.execute(f"GRANT SELECT ON aiagents_alembic_version TO {quoted}")
