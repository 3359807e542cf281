"""Let the policies of owned tables check the user, too, on PostgreSQL.

A session says ``user`` or ``tenant`` in ``aiagents.scope``: its user's rows, or its tenant's. Processes that are
older than this revision say ``tenant`` for everybody, and see what they saw.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = ("ai_agent_activity_logs", "ai_agent_usage")

_TENANT = "tenant_id = nullif(current_setting('aiagents.tenant_id', true), '')"
_USER = (
    "(current_setting('aiagents.scope', true) = 'tenant'"
    " OR user_id = nullif(current_setting('aiagents.user_id', true), ''))"
)
_SYSTEM = "current_setting('aiagents.scope', true) = 'system'"


def upgrade() -> None:
    _set_policies(f"({_TENANT} AND {_USER} OR {_SYSTEM})")


def downgrade() -> None:
    _set_policies(f"({_TENANT} OR {_SYSTEM})")


def _set_policies(rows: str) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    clauses = {
        "SELECT": f"USING {rows}",
        "INSERT": f"WITH CHECK {rows}",
        "UPDATE": f"USING {rows} WITH CHECK {rows}",
        "DELETE": f"USING {rows}",
    }
    for table in TABLES:
        for command, clause in clauses.items():
            name = f"aiagents_tenant_{command.lower()}"
            op.execute(f"DROP POLICY IF EXISTS {name} ON {table}")
            op.execute(f"CREATE POLICY {name} ON {table} FOR {command} {clause}")
