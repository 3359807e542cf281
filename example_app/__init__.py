"""A small shop platform with two customers, Acme and Globex, that gives them AI agents.

It has what hosts have: users and tenants of its own, a login, pages, orders. What it needs to do for the
agents is in :func:`create_app`, ``admin`` and ``tools``.
"""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask

from . import commands, headers, login, migrating, pages
from .admin import make_admin
from .models import db
from .settings import settings
from .tools import aiagents

INSTANCE = "EXAMPLE_INSTANCE"
"""Environment variable: the folder of the database, the keys and ``demo.json``; ``instance/`` by default."""


def create_app() -> Flask:
    """The application, with the agents mounted under ``/api``. It makes no table; ``prepare`` does."""
    folder = os.environ.get(INSTANCE)
    app = Flask(__name__, instance_path=str(Path(folder).resolve()) if folder else None)
    Path(app.instance_path).mkdir(parents=True, exist_ok=True)
    app.config.update(settings(Path(app.instance_path), os.environ))
    db.init_app(app)
    migrating.init_app(app)
    headers.init_app(app)
    login.init_app(app)
    app.register_blueprint(pages.pages)
    aiagents.init_app(app, db, admin=make_admin(app))
    app.cli.add_command(commands.prepare)
    return app
