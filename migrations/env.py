"""Runs the revisions on the connection that ``flask_aiagents.core.migrate`` has locked."""

from __future__ import annotations

from alembic import context

from flask_aiagents.core.columns import Base
from flask_aiagents.core.migrate import VERSION_TABLE

connection = context.config.attributes["connection"]

context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    include_name=lambda name, kind, _: kind != "table" or name in Base.metadata.tables,
)

context.run_migrations()
