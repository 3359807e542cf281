"""The environment that ``alembic init`` writes, shortened; ``-x`` chooses how much of the app it imports."""

from __future__ import annotations

import os
from typing import Any

import sqlalchemy as sa
from alembic import context
from notes_models import Base

uri = os.environ["NOTES_DATABASE_URI"]
chosen = context.get_x_argument(as_dictionary=True)
options: dict[str, Any] = {"include_schemas": True} if "schemas" in chosen else {}

if "app" in chosen:
    from notes_app import create_app

    create_app(uri)

if "plugins" in chosen:  # which leaves the plugins of installed packages out
    names = ("schemas", "tables", "types", "constraints", "defaults", "comments")
    options["autogenerate_plugins"] = [f"alembic.autogenerate.{name}" for name in names]

with sa.create_engine(uri).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, **options)
    with context.begin_transaction():
        context.run_migrations()
