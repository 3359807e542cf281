"""What the doctor asks of the database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from ...core import migrate
from ...core.clock import utcnow, uuid7_time
from ...core.columns import Base
from ...core.crypto import Keyring
from ...core.rls import Wall, inspect_wall, owned_tables
from ...core.tenancy import SYSTEM
from ...errors import ConfigurationError
from ...features.agents.models import Agent, AgentConfiguration
from ...features.credentials.models import Credential
from ...features.credentials.vault import unseal
from ...llm.json_schema import compile_schema
from ...llm.schema_engine import InvalidSchema
from .findings import Finding

_UPGRADE = "Run: flask aiagents db upgrade"

_MADE_UNTIL = sa.text("SELECT begins FROM aiagents_log_partitions() WHERE ends IS NULL")

_SECRETS = sa.select(
    Credential.tenant_key,
    Credential.id,
    Credential.provider,
    Credential.origin,
    Credential.path_prefix,
    Credential.ciphertext,
)


_SCHEMAS = sa.union_all(
    sa.select(
        Agent.id, Agent.name, Agent.tenant_id, Agent.model_config.label("config"), sa.false().label("configured")
    ),
    sa.select(
        Agent.id,
        Agent.name,
        AgentConfiguration.tenant_id,
        AgentConfiguration.configuration,
        sa.true(),
    ).join(Agent, Agent.id == AgentConfiguration.agent_id),
)


def tables_are_current(system: Any) -> Iterator[Finding]:
    """No tables, tables behind, or tables that somebody altered."""
    revision = migrate.current(system.database)
    if revision is None:
        yield Finding("problem", "There are no tables.", _UPGRADE)
    elif revision != migrate.head():
        yield Finding("problem", f"The tables are behind: at {revision}, not {migrate.head()}.", _UPGRADE)
    elif differences := migrate.check(system.database):
        yield Finding(
            "problem",
            f"The tables differ from the models in {len(differences)} places, first: {differences[0]}",
            "Run: flask aiagents db check, and undo what was altered by hand.",
        )


def secrets_open(system: Any) -> Iterator[Finding]:
    """A stored secret whose key is gone fails only when an agent needs it."""
    if not _has_tables(system):
        return
    keyring = Keyring(system.settings.encryption_keys)
    with system.database.transaction(SYSTEM) as session:
        closed = sum(not _opens(keyring, row) for row in session.execute(_SECRETS))
    if closed:
        yield Finding(
            "problem",
            f"Stored provider keys that no configured encryption key opens: {closed}.",
            "Append the old key to AIAGENTS_ENCRYPTION_KEYS, or store these provider keys again.",
        )


def schemas_compile(system: Any) -> Iterator[Finding]:
    """A stored output_schema that cannot be used fails only when its agent runs."""
    if not _has_tables(system):
        return
    with system.database.transaction(SYSTEM) as session:
        for row in session.execute(_SCHEMAS.execution_options(yield_per=500)):
            if why := _unusable(row.config.get("output_schema")):
                yield Finding(
                    "problem",
                    f"The output_schema of agent {row.name!r} ({row.id}, {_owner(row)}) cannot be used: {why}.",
                    "Change or remove it; its runs end as invalid_schema until then.",
                )


def _unusable(schema: Any) -> str | None:
    try:
        if schema is not None:
            compile_schema(schema)
    except InvalidSchema as error:
        return str(error)
    return None


def _owner(row: sa.Row[Any]) -> str:
    tenant = "shared by all tenants" if row.tenant_id is None else f"tenant {row.tenant_id}"
    return f"{tenant}, its configuration" if row.configured else tenant


def sqlite_has_wal(system: Any) -> Iterator[Finding]:
    """Without WAL a reader blocks every writer."""
    engine = system.database.engine
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        mode = connection.scalar(sa.text("PRAGMA journal_mode"))
    if mode == "memory":
        yield Finding(
            "advice", "The database is in memory and ends with the process.", "Use a file, outside of tests."
        )
    elif mode != "wal":
        yield Finding("problem", f"SQLite's journal mode is {mode}: readers block writers.", _UPGRADE)


def wall_stands(system: Any) -> Iterator[Finding]:
    """Row-level security: the second wall between tenants."""
    wall = _wall(system)
    if wall is None:
        return
    if wall.superuser or wall.bypasses:
        right = "is a superuser" if wall.superuser else "has BYPASSRLS"
        yield Finding(
            "problem",
            f"Row-level security is not in force: role {wall.role} {right}.",
            "Connect as an ordinary role: CREATE ROLE app LOGIN NOSUPERUSER NOBYPASSRLS.",
        )
    if wall.open_tables:
        yield Finding(
            "problem",
            f"Row-level security is not enabled and forced for role {wall.role} on {', '.join(wall.open_tables)}.",
            _UPGRADE,
        )
    if wall.open_to_users:
        yield Finding(
            "problem",
            f"The policies of {', '.join(wall.open_to_users)} do not keep users to their own rows.",
            "Undo what was altered by hand; the migration 'user_policies' holds the policies.",
        )


def no_superfluous_rights(system: Any) -> Iterator[Finding]:
    """An owner can switch its policies off."""
    wall = _wall(system)
    if wall is not None and wall.owns and not wall.superuser:
        yield Finding(
            "advice",
            f"The application's role {wall.role} owns the tables, so it could switch row-level security off.",
            "Let another role own them: set AIAGENTS_MIGRATION_URI; docs/operations.md shows how.",
        )


def months_are_made(system: Any) -> Iterator[Finding]:
    """A log whose months nobody made cannot lose one as a whole."""
    engine = system.database.engine
    if engine.dialect.name != "postgresql" or migrate.current(system.database) != migrate.head():
        return
    with engine.connect() as connection:
        made_until = uuid7_time(connection.scalar(_MADE_UNTIL))
    if made_until <= utcnow():
        yield Finding(
            "problem",
            f"Nobody has made the months of the log since {made_until:%Y-%m-%d}: maintenance does not run.",
            "Let the maintenance thread run, or 'flask aiagents maintain' from cron.",
        )


def _opens(keyring: Keyring, row: sa.Row[Any]) -> bool:
    try:
        unseal(keyring, row)
    except ConfigurationError:
        return False
    return True


def _wall(system: Any) -> Wall | None:
    engine = system.database.engine
    if engine.dialect.name != "postgresql" or not _has_tables(system):
        return None
    with engine.connect() as connection:
        return inspect_wall(connection, owned_tables(Base))


def _has_tables(system: Any) -> bool:
    return sa.inspect(system.database.engine).has_table("ai_agent_credentials")
