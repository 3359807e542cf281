"""Resolve what a host passes as ``db`` into an engine and, where there is one, the host's session.

Each supported kind is recognised by the attributes of its class, so none of the libraries has to be installed.
A new kind is a function from ``(app, db)`` to :class:`HostDatabase` and a line in ``_KINDS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from ..errors import ConfigurationError
from .host import HostSession

SUPPORTED = "Flask-SQLAlchemy, Flask-SQLAlchemy-Lite, Alchemical, a SQLAlchemy Engine or a database URI"

_PASS_ONE = f"Pass {SUPPORTED} as AIAgents(app, db), or set AIAGENTS_DATABASE_URI."
_SYNC = "Pass a synchronous engine, or a URI with a synchronous driver such as postgresql+psycopg://."


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HostDatabase:
    """The host's engine and session."""

    engine: Callable[[], sa.Engine]
    """Returns the engine; called once, when the database is first used."""

    session: HostSession | None = None
    """The host's session; None where the host manages its sessions elsewhere."""


def resolve(app: Flask, db: object, uri: str | None) -> HostDatabase:
    """Return the database to use: ``db``, else the one registered in ``app.extensions``, else ``uri``.

    :raises ConfigurationError: when there is none, or it is of a kind that cannot serve.
    """
    if db is None:
        db = app.extensions.get("sqlalchemy", uri or None)
    if db is None:
        raise ConfigurationError("There is no database.", hint=_PASS_ONE)
    for matches, make in _KINDS:
        if matches(db):
            return make(app, db)
    raise ConfigurationError(f"db is a {type(db).__name__}, which is not supported.", hint=_PASS_ONE)


def _has(*names: str) -> Callable[[object], bool]:
    # On the class: properties of an instance need an app context.
    return lambda db: all(hasattr(type(db), name) for name in names)


def _is_a(*kinds: type) -> Callable[[object], bool]:
    return lambda db: isinstance(db, kinds)


def _from_flask_sqlalchemy(app: Flask, db: Any) -> HostDatabase:
    return HostDatabase(_in_context(app, lambda: db.engine), HostSession(db.session))


def _from_lite(app: Flask, db: Any) -> HostDatabase:
    engines, sessionmaker = _in_context(app, lambda: (db.engines, db.sessionmaker))()
    if "default" not in engines:
        raise ConfigurationError(
            "Flask-SQLAlchemy-Lite has no synchronous default engine.", hint="Set SQLALCHEMY_ENGINES['default']."
        )
    return HostDatabase(lambda: engines["default"], HostSession(sessionmaker))


def _from_alchemical(_: Flask, db: Any) -> HostDatabase:
    if db.is_async():
        raise ConfigurationError("db is an asynchronous Alchemical.", hint=_SYNC)
    if not db.url:
        raise ConfigurationError("Alchemical has no database URL yet.", hint="Initialize it before AIAgents.")
    return HostDatabase(db.get_engine, HostSession(db.Session))


def _from_engine(_: Flask, engine: Any) -> HostDatabase:
    if not isinstance(engine, sa.Engine) or engine.dialect.is_async:
        raise ConfigurationError("db is an asynchronous engine.", hint=_SYNC)
    return HostDatabase(lambda: engine)


def _from_uri(_: Flask, uri: Any) -> HostDatabase:
    try:
        url = sa.make_url(uri)
        is_async = url.get_dialect().is_async
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        # The error may repeat the URI with its password.
        raise ConfigurationError(
            "The database URI cannot be read.", hint="Write it as postgresql+psycopg://user:password@host/name."
        ) from error
    if is_async:
        raise ConfigurationError("The database URI names an asynchronous driver.", hint=_SYNC)
    return HostDatabase(lambda: sa.create_engine(url, pool_pre_ping=True))


def _in_context(app: Flask, read: Callable[[], T]) -> Callable[[], T]:
    def read_in_context() -> T:
        try:
            with app.app_context():
                return read()
        except RuntimeError as error:
            raise ConfigurationError(
                "Your database extension is not initialized for this app.",
                hint="Call db.init_app(app) before AIAgents.",
            ) from error

    return read_in_context


_KINDS: tuple[tuple[Callable[[object], bool], Callable[[Flask, Any], HostDatabase]], ...] = (
    (_is_a(str, sa.URL), _from_uri),
    (_is_a(sa.Engine), _from_engine),
    (_has("sync_engine"), _from_engine),  # AsyncEngine, whose module cannot be imported without greenlet
    (_has("is_async", "get_engine", "Session"), _from_alchemical),
    (_has("engines", "sessionmaker", "get_session"), _from_lite),
    (_has("engine", "engines", "init_app"), _from_flask_sqlalchemy),
)
"""Each kind: how it is recognised, and how its engine and session are found."""
