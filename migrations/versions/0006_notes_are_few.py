"""Tell SQLite's planner that few logs wait to be rolled up: it takes a table that it knows nothing of for a large
one, and would read all logs of a tenant to find the few that wait.

https://sqlite.org/optoverview.html#manual_control_of_query_plans_using_sqlite_stat_tables
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLE = "ai_agent_unrolled_logs"
_FORGET = f"DELETE FROM sqlite_stat1 WHERE tbl = '{_TABLE}'"
_ONE_ROW = f"INSERT INTO sqlite_stat1 SELECT '{_TABLE}', name, '1 1' FROM pragma_index_list('{_TABLE}')"
_LOAD = "ANALYZE sqlite_master"  # makes the table of statistics, too, where there is none


def upgrade() -> None:
    _execute(_LOAD, _FORGET, _ONE_ROW, _LOAD)


def downgrade() -> None:
    _execute(_LOAD, _FORGET, _LOAD)


def _execute(*statements: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for statement in statements:
            op.execute(statement)
