"""One small host on each kind of database access: it counts its visits in a table of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import alchemical.flask
import flask_sqlalchemy
import flask_sqlalchemy_lite
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from flask_aiagents import AIAgents
from flask_aiagents.core.migrate import upgrade


class Base(DeclarativeBase):
    """The host's own."""


class Visit(Base):
    """One request that the host saw."""

    __tablename__ = "visits"
    id: Mapped[int] = mapped_column(primary_key=True)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a host configures, what it passes as ``db``, and its session in an app context."""

    config: Callable[[str, dict[str, Any]], dict[str, Any]]
    make: Callable[[Flask, str, dict[str, Any]], Any]
    session: Callable[[Any], Session] | None = None


def _alchemical(app: Flask, *_: Any) -> Any:
    return alchemical.flask.Alchemical(app)


KINDS = {
    "Flask-SQLAlchemy": Kind(
        lambda uri, pool: {"SQLALCHEMY_DATABASE_URI": uri, "SQLALCHEMY_ENGINE_OPTIONS": pool},
        lambda app, *_: flask_sqlalchemy.SQLAlchemy(app),
        lambda db: db.session(),
    ),
    "Flask-SQLAlchemy-Lite": Kind(
        lambda uri, pool: {"SQLALCHEMY_ENGINES": {"default": {"url": uri, **pool}}},
        lambda app, *_: flask_sqlalchemy_lite.SQLAlchemy(app),
        lambda db: db.session,
    ),
    "Alchemical": Kind(
        lambda uri, pool: {"ALCHEMICAL_DATABASE_URL": uri, "ALCHEMICAL_ENGINE_OPTIONS": pool},
        _alchemical,
        lambda db: db.session,
    ),
    "Engine": Kind(lambda *_: {}, lambda _, uri, pool: sa.create_engine(uri, **pool)),
    "URI": Kind(lambda *_: {}, lambda _, uri, pool: uri),
    "URL": Kind(lambda *_: {}, lambda _, uri, pool: sa.make_url(uri)),
}

WITH_SESSION = [name for name, kind in KINDS.items() if kind.session is not None]


def make_database_host(name: str, uri: str, **pool: Any) -> tuple[Flask, Callable[[], Session]]:
    """A host of this kind with its table and ours, and its session."""
    kind = KINDS[name]
    app = Flask(__name__)
    app.config.update(SECRET_KEY="test", AIAGENTS_MAINTENANCE_INTERVAL_S=0, AIAGENTS_RATE_LIMIT="")
    app.config.update(kind.config(uri, pool))
    db = kind.make(app, uri, pool)
    AIAgents(app, db)
    with app.app_context():
        database = app.extensions["aiagents"].database
        Base.metadata.create_all(database.engine)
        upgrade(database)
    return app, lambda: kind.session(db) if kind.session else Session(database.engine)
