"""The library with us mounted, as its developers would do it."""

from __future__ import annotations

from flask import Flask
from flask_security import current_user
from support.hosts import ENCRYPTION_KEY

from flask_aiagents import AIAgents, Principal, Role
from flask_aiagents.core.migrate import upgrade


def who() -> Principal | None:
    """The library's user; its id stays when its password, and with it ``get_id()``, changes."""
    if not current_user.is_authenticated:
        return None
    role = Role.TENANT_ADMIN if current_user.has_role("librarian") else Role.USER
    return Principal(current_user.id, current_user.branch, role)


def with_us(app: Flask) -> Flask:
    """The application with us mounted."""
    app.config.update(AIAGENTS_ENCRYPTION_KEYS=ENCRYPTION_KEY, AIAGENTS_MAINTENANCE_INTERVAL_S=0)
    AIAgents(app, identity=who)
    with app.app_context():
        upgrade(app.extensions["aiagents"].database)
    return app
