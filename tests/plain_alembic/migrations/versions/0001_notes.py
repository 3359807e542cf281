"""The notes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("team", sa.String(40), nullable=False),
        sa.Column("text", sa.String(200), nullable=False),
    )
    op.create_index("ix_notes_team", "notes", ["team"])


def downgrade() -> None:
    op.drop_table("notes")
