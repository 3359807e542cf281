"""Our tables through Alembic: an environment and a version table of our own, apart from the host's.

``upgrade`` may be killed at any moment and run again, also by several processes at once: a lock in the
database lets one work while the others wait, and each step looks before it acts. Alembic is imported where it is
used: it takes a third of our import time, and a serving process never needs it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from flask_aiagents_alembic import VERSION_TABLE

from ..errors import ConfigurationError, Unavailable
from .columns import Base
from .db import Database

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext

Write = Callable[[str], None]
"""Receives a statement."""

LOG_PARTITIONS = "ai_agent_activity_logs_"
"""How the names of the log's partitions begin on PostgreSQL."""

LOCK_TIMEOUT_S = 60
"""Seconds that one process waits for another's migration."""

_LOCK = 0x61696167
"""The advisory lock's number on PostgreSQL: "aiag"."""


def upgrade(database: Database, revision: str = "head", *, write: Write | None = None) -> None:
    """Bring the tables to a revision.

    :param write: receives the statements, and the tables stay as they are.
    :raises Unavailable: when another migration holds the lock for longer than a minute.
    """
    if database.engine.dialect.name == "sqlite" and write is None:
        _set_wal(database.engine)
    from alembic import command

    with _migrating(database, write) as config:
        command.upgrade(config, revision)


def downgrade(database: Database, revision: str, *, write: Write | None = None) -> None:
    """Take the tables back to a revision; ``base`` drops them with their rows."""
    from alembic import command

    with _migrating(database, write) as config:
        command.downgrade(config, revision)


def stamp(database: Database, revision: str, *, purge: bool = False, write: Write | None = None) -> None:
    """Set the recorded revision without touching the tables."""
    from alembic import command

    with _migrating(database, write) as config:
        command.stamp(config, revision, purge=purge)


def show(database: Database, name: str, *arguments: Any, **options: Any) -> None:
    """Run one of Alembic's commands that only print: ``current``, ``history``, ``heads``, ``show``."""
    from alembic import command

    config = _config()
    config.stdout = sys.stdout
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        getattr(command, name)(config, *arguments, **options)


def current(database: Database) -> str | None:
    """The revision that the tables are at; None without any."""
    with database.engine.connect() as connection:
        return _context(connection).get_current_revision()


def head() -> str | None:
    """The newest revision that this version of the package knows."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config()).get_current_head()


def check(database: Database) -> list[str]:
    """How the tables differ from the models; empty when they do not."""
    from alembic.autogenerate import compare_metadata

    with database.engine.connect() as connection:
        return [str(difference) for difference in compare_metadata(_context(connection), Base.metadata)]


def is_partition(name: str | None) -> bool:
    """Whether a table is a part of another of ours."""
    return name is not None and name.startswith(LOG_PARTITIONS)


def _config() -> Config:
    import flask_migrate

    config = cast("Config", flask_migrate.Config())  # its stub lacks the base class
    # The importable spelling "flask_aiagents:migrations" is not found in an editable install.
    config.set_main_option("script_location", str(files("flask_aiagents.migrations")).replace("%", "%%"))
    return config


@contextmanager
def _migrating(database: Database, write: Write | None = None) -> Iterator[Config]:
    engine = sa.create_engine(database.migration_uri) if database.migration_uri else database.engine
    if write is not None and engine.dialect.name not in ("sqlite", "postgresql"):
        raise ConfigurationError(
            "This database cannot undo a change of tables, so the SQL cannot be shown without running it.",
            hint="Run the command without --sql on a copy of the database.",
        )
    config = _config()
    with engine.connect() as connection, _lock(connection):
        config.attributes["connection"] = connection
        config.attributes["application_role"] = database.engine.url.username
        if write is not None:
            event.listen(connection, "before_cursor_execute", _writer(write))
        yield config
        connection.commit() if write is None else connection.rollback()
    if engine is not database.engine:
        engine.dispose()


def _writer(write: Write) -> Callable[..., None]:
    """Hand on the statements that change something; what the steps read to decide is left out."""

    def look(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        text = statement.strip()
        reads = text.upper().startswith(("SELECT", "PRAGMA")) and not text.startswith("SELECT aiagents_")
        if not reads:
            write(f"{text};" + (f"  -- {parameters!r}" if parameters else ""))

    return look


@contextmanager
def _lock(connection: sa.Connection) -> Iterator[None]:
    match connection.dialect.name:
        case "postgresql":
            # Held by the transaction, so that a killed process lets go of it.
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"))
            _or_unavailable(connection, "SELECT pg_advisory_xact_lock(:lock)", {"lock": _LOCK})
            connection.execute(sa.text("SET LOCAL aiagents.scope = 'system'"))
            yield
        case "sqlite":
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {LOCK_TIMEOUT_S * 1000}")
            connection.commit()
            _or_unavailable(connection, "BEGIN IMMEDIATE", {})
            yield
        case _:
            got = connection.scalar(sa.text("SELECT GET_LOCK('aiagents', :wait)"), {"wait": LOCK_TIMEOUT_S})
            if not got:
                raise _locked()
            try:
                yield
            finally:
                connection.execute(sa.text("SELECT RELEASE_LOCK('aiagents')"))


def _or_unavailable(connection: sa.Connection, statement: str, parameters: dict[str, Any]) -> None:
    try:
        connection.execute(sa.text(statement), parameters)
    except OperationalError as error:
        raise _locked() from error


def _locked() -> Unavailable:
    return Unavailable("Another migration is running.", hint="Wait until it has ended, then run this again.")


def _set_wal(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {LOCK_TIMEOUT_S * 1000}")
        until = time.monotonic() + LOCK_TIMEOUT_S
        while True:
            try:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
                return
            except OperationalError as error:
                # SQLite does not wait here for whoever uses the file just now, such as another migration.
                if time.monotonic() > until:
                    raise _locked() from error
                time.sleep(0.05)


def _context(connection: sa.Connection) -> MigrationContext:
    from alembic.runtime.migration import MigrationContext

    options = {
        "version_table": VERSION_TABLE,
        "include_name": lambda name, kind, _: kind != "table" or name in Base.metadata.tables,
    }
    return MigrationContext.configure(connection, opts=options)
