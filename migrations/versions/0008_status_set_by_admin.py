"""Record on an agent that an admin set its status: its author may edit it now, but not that status."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLE, _COLUMN = "ai_agents", "status_set_by_admin"


def upgrade() -> None:
    if _COLUMN not in _columns():
        op.add_column(_TABLE, sa.Column(_COLUMN, sa.Boolean, nullable=False, server_default=sa.false()))
    # Until now only admins could change an agent, so a changed agent that is not active was stopped by one.
    agents = sa.table(_TABLE, sa.column("status"), sa.column("version"), sa.column(_COLUMN, sa.Boolean))
    stopped = sa.and_(agents.c.version > 1, agents.c.status != "active")
    op.execute(agents.update().where(stopped).values({_COLUMN: sa.true()}))


def downgrade() -> None:
    if _COLUMN in _columns():
        op.drop_column(_TABLE, _COLUMN)


def _columns() -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns(_TABLE)}
