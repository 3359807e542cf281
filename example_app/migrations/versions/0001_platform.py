"""Tenants, users and orders: the tables that the platform began with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tenants",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
    )
    op.create_table(
        "users",
        sa.Column("username", sa.String(64), primary_key=True),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("tenant_id", sa.String(64), sa.ForeignKey("tenants.id")),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("tenant_id", sa.String(64), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column("item", sa.String(100), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
    )
    op.create_index("ix_orders_tenant_id", "orders", ["tenant_id"])


def downgrade() -> None:
    for table in ("orders", "users", "tenants"):
        op.drop_table(table)
