"""Limits of API keys, and the key that made each of them. Keys of before have all of their role's rights."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TABLE, _INDEX = "ai_agent_api_keys", "ix_ai_agent_api_keys_made_by_key_id"
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    for column in (
        sa.Column("made_by_key_id", sa.Uuid),
        sa.Column("permissions", _JSON),
        sa.Column("agent_ids", _JSON),
    ):
        _add(column)
    if _INDEX not in _indexes():
        op.create_index(_INDEX, _TABLE, ["made_by_key_id"])


def downgrade() -> None:
    if _INDEX in _indexes():
        op.drop_index(_INDEX, _TABLE)
    for name in ("agent_ids", "permissions", "made_by_key_id"):
        if name in _columns():
            op.drop_column(_TABLE, name)


def _add(column: sa.Column[Any]) -> None:
    if column.name not in _columns():
        op.add_column(_TABLE, column)


def _columns() -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns(_TABLE)}


def _indexes() -> set[str | None]:
    return {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(_TABLE)}
