"""The platform's own migrations, with Flask-Migrate; those of the agents' tables are ``flask aiagents db``."""

from __future__ import annotations

from pathlib import Path

import flask_migrate
import sqlalchemy as sa
from flask import Flask

from flask_aiagents import current_aiagents
from flask_aiagents.core import migrate as agents

from .models import db

_migrate = flask_migrate.Migrate(directory=str(Path(__file__).parent / "migrations"))

_BEFORE_MIGRATIONS = "0001"
"""The revision that a database has which an older example made without migrations."""


def init_app(app: Flask) -> None:
    """Add ``flask db``."""
    _migrate.init_app(app, db)


def upgrade() -> None:
    """Do what a deploy does: ``flask db upgrade`` and ``flask aiagents db upgrade``."""
    tables = sa.inspect(db.engine).get_table_names()
    if "users" in tables and "alembic_version" not in tables:
        flask_migrate.stamp(revision=_BEFORE_MIGRATIONS)
    flask_migrate.upgrade()
    agents.upgrade(current_aiagents.database)
