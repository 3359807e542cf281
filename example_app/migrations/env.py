"""The platform's Alembic environment, run by ``flask --app example_app db ...``."""

from __future__ import annotations

from alembic import context
from flask import current_app

platform = current_app.extensions["migrate"]
engine = platform.db.engine

if context.is_offline_mode():
    url = engine.url.render_as_string(hide_password=False)
    context.configure(url=url, target_metadata=platform.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=platform.metadata, **platform.configure_args)
        with context.begin_transaction():
            context.run_migrations()
