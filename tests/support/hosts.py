"""Host apps to mount the extension in."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from flask_aiagents import AIAgents
from flask_aiagents.core.migrate import upgrade
from flask_aiagents.features.access.identity import flask_login_user

ENCRYPTION_KEY = base64.b64encode(os.urandom(32)).decode()


def make_host(
    database_uri: str,
    *,
    aiagents: AIAgents | None = None,
    migrated: bool = True,
    admin: Callable[[Flask], Any] | None = None,
    **config: Any,
) -> Flask:
    """A small host on this database, with our tables in it; ``admin`` makes its own Flask-Admin."""
    app = Flask("some_host")
    app.config.update(
        TESTING=False,
        SECRET_KEY="test",
        SQLALCHEMY_DATABASE_URI=database_uri,
        AIAGENTS_ENCRYPTION_KEYS=ENCRYPTION_KEY,
        AIAGENTS_ALLOWED_HOSTS="127.0.0.1",
        AIAGENTS_RATE_LIMIT="",
        AIAGENTS_TENANT_RATE_LIMIT="",
        AIAGENTS_ACTIVITY_ROWS_LIMIT="",
        AIAGENTS_ACTIVITY_BYTES_LIMIT="",
        AIAGENTS_MAINTENANCE_INTERVAL_S=0,
    )
    app.config.update(config)
    (aiagents or AIAgents(identity=_logged_in)).init_app(app, SQLAlchemy(app), admin=admin(app) if admin else None)
    if migrated:
        with app.app_context():
            upgrade(app.extensions["aiagents"].database)
    return app


def _logged_in() -> Any:
    """A callback of the host's own, so that it needs no Flask-Login to be sound."""
    return flask_login_user()


def close(app: Flask) -> None:
    """Let go of the host's connections, so that its database can be dropped."""
    system = app.extensions["aiagents"]
    system.maintenance.stop()
    system.database.engine.dispose()
