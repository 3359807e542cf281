"""The log by month on PostgreSQL, how long logs are kept, and the days that logs have left.

On PostgreSQL the existing table becomes the first partition, ``..._earlier``: no row is moved. Months follow, and
``..._later`` takes what comes after the last of them. log_partitions.sql makes and drops them afterwards.

A downgrade leaves the days that logs have left: they are the sums' own, and leave with them.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import sqlalchemy as sa
from alembic import op

from flask_aiagents.core.columns import UTCDateTime
from flask_aiagents.core.rls import POLICY, enable

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LOG = "ai_agent_activity_logs"

_OPTIONS: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "if_not_exists": True}

_INDEXES = {
    f"ix_{LOG}_tenant_id_created_at_id": "(tenant_id, created_at, id)",
    f"ix_{LOG}_tenant_id_user_id_id": "(tenant_id, user_id, id)",
    f"ix_{LOG}_agent_id_id": "(agent_id, id)",
    f"ix_{LOG}_running": "(lease_until) WHERE status = 'running'",
}

_LOCK = f"LOCK TABLE {LOG} IN ACCESS EXCLUSIVE MODE"
"""Whatever is committed while the rows find another home comes before the move or after it."""

_TRIGGER = (
    f"CREATE TRIGGER aiagents_ended BEFORE UPDATE ON {LOG} FOR EACH ROW "
    "WHEN (OLD.status <> 'running') EXECUTE FUNCTION aiagents_refuse_change()"
)

_FUNCTIONS = (
    "aiagents_extend_log(integer)",
    "aiagents_drop_oldest_log(timestamptz)",
    "aiagents_make_log_table(text)",
    "aiagents_log_partitions()",
    "aiagents_require_system()",
    "aiagents_require_counted(uuid)",
    "aiagents_seal_log_days(uuid)",
    "aiagents_log_id(timestamp)",
    "aiagents_log_time(uuid)",
)


def upgrade() -> None:
    op.create_table(
        "ai_agent_log_retention",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.String(128)),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("days", sa.Integer, nullable=False),
        *(sa.Column(name, UTCDateTime, nullable=False) for name in ("created_at", "updated_at")),
        sa.UniqueConstraint("tenant_id", "action", name="uq_ai_agent_log_retention_tenant_id_action"),
        **_OPTIONS,
    )
    op.create_table("ai_agent_sealed_days", sa.Column("day", UTCDateTime, primary_key=True), **_OPTIONS)
    if op.get_bind().dialect.name == "postgresql":
        _execute(*enable("ai_agent_log_retention"))
        _partition()
        _grant()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _join()
    op.drop_table("ai_agent_log_retention", if_exists=True)


def _partition() -> None:
    """The whole becomes a table of partitions; all that hung on it is hung on the new whole."""
    _execute(_LOCK)
    _make_functions()
    bound = op.get_bind().scalar(sa.text(_FIRST_BOUND))
    _execute(*(f"DROP POLICY {POLICY}_{command} ON {LOG}" for command in ("select", "insert", "update", "delete")))
    _execute(f"DROP TRIGGER aiagents_ended ON {LOG}", f"REVOKE ALL ON {LOG} FROM PUBLIC")
    _execute(*(f"ALTER INDEX {name} RENAME TO {name}_earlier" for name in (*_INDEXES, f"pk_{LOG}")))
    _execute(f"ALTER TABLE {LOG} RENAME TO {LOG}_earlier")
    _execute(
        f"CREATE TABLE {LOG} (LIKE {LOG}_earlier INCLUDING DEFAULTS, CONSTRAINT pk_{LOG} PRIMARY KEY (id)) "
        "PARTITION BY RANGE (id)"
    )
    _hang_on()
    _execute(f"ALTER TABLE {LOG} ATTACH PARTITION {LOG}_earlier FOR VALUES FROM (MINVALUE) TO ('{bound}')")
    _execute(f"SELECT aiagents_make_log_table('{LOG}_later')")
    _execute(f"ALTER TABLE {LOG} ATTACH PARTITION {LOG}_later FOR VALUES FROM ('{bound}') TO (MAXVALUE)")
    while op.get_bind().scalar(sa.text("SELECT aiagents_extend_log(2)")):
        pass


def _make_functions() -> None:
    script = files("flask_aiagents.migrations").joinpath("log_partitions.sql").read_text()
    # The database quotes them: SQLAlchemy doubles percent signs, which nothing halves where nothing is bound.
    quoted = sa.text("SELECT quote_ident(current_schema()), quote_literal(current_schema())")
    schema, name = op.get_bind().execute(quoted).one()
    script = script.replace("{schema}", schema).replace("{name}", name)
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})


# An empty log begins with this month; one that has rows, with the month after the newest.
_FIRST_BOUND = f"""
    SELECT aiagents_log_id(date_trunc('month', coalesce(
        (SELECT greatest(now(), max(created_at)) + interval '1 month' FROM {LOG} HAVING count(*) > 0), now()
    ) AT TIME ZONE 'UTC'))
"""


def _hang_on() -> None:
    """Indexes, the trigger that freezes ended logs, and the policies."""
    _execute(*(f"CREATE INDEX {name} ON {LOG} {on}" for name, on in _INDEXES.items()))
    _execute(_TRIGGER, *enable(LOG))


def _join() -> None:
    """One table again, with all rows."""
    _execute(_LOCK)
    _execute(
        f"CREATE TABLE {LOG}_whole (LIKE {LOG} INCLUDING DEFAULTS)", f"INSERT INTO {LOG}_whole SELECT * FROM {LOG}"
    )
    _execute(f"DROP TABLE {LOG}", f"ALTER TABLE {LOG}_whole RENAME TO {LOG}")
    _execute(f"ALTER TABLE {LOG} ADD CONSTRAINT pk_{LOG} PRIMARY KEY (id)")
    _hang_on()
    _execute(*(f"DROP FUNCTION IF EXISTS {function}" for function in _FUNCTIONS))
    if role := _application_role():
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {LOG} TO {role}")


def _grant() -> None:
    """Where another role migrates, the application's role gets what it needs and no more."""
    if role := _application_role():
        tables = ", ".join((LOG, "ai_agent_log_retention", "ai_agent_sealed_days"))
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO {role}")
        op.execute(f"GRANT EXECUTE ON FUNCTION {_FUNCTIONS[0]}, {_FUNCTIONS[1]} TO {role}")
        op.execute(f"REVOKE ALL ON {LOG}_earlier FROM {role}")


def _application_role() -> str | None:
    """The application's role, quoted; None where it owns the tables itself."""
    role = op.get_context().config.attributes["application_role"]  # pyright: ignore[reportOptionalMemberAccess]
    owner = op.get_bind().scalar(sa.text("SELECT current_user"))
    return None if role in (None, owner) else op.get_bind().dialect.identifier_preparer.quote(role)


def _execute(*statements: str) -> None:
    for statement in statements:
        op.execute(statement)
