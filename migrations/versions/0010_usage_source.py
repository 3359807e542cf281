"""Tell client-reported activity from the system's own in the rollups.

The column arrives as ``system``. Then, in one transaction with the revision itself:

- days whose logs have been deleted become ``unknown``: nothing can say any more who reported what;
- days on which clients reported anything are counted again: their rollups go, and their logs are noted as not yet
  counted, which maintenance makes up for. Until it has, metrics read these logs themselves;
- weeks that have such days, or that were never made, are summed from their days.

All other days hold the system's own activity alone and stay as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from flask_aiagents.core.columns import JSONB, UTCDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BATCH = 1_000

_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_LEVELS = ("all", "models", "tenant", "agent", "user", "model", "actions", "action")
"""The levels that have weeks; ``detail`` has days alone."""

_KEY = (
    *("level", "grain", "period_start", "tenant_id", "agent_id", "user_id"),
    *("provider", "model", "status", "error", "action"),
)
_ADDED = (
    *("executions", "tokens_used", "input_tokens", "output_tokens", "cached_tokens", "cost_usd"),
    *("unpriced", "timed", "duration_sum_ms"),
)
_TYPES: Mapping[str, Any] = {
    **dict.fromkeys(("id", "agent_id"), sa.Uuid()),
    **dict.fromkeys(("period_start", "last_used_at"), UTCDateTime()),
    "durations": JSONB,
}

_USAGE = sa.table(
    "ai_agent_usage",
    *(sa.column(name, _TYPES.get(name)) for name in ("id", *_KEY, "source", *_ADDED, "durations", "last_used_at")),
)
_LOG = sa.table(
    "ai_agent_activity_logs",
    *(sa.column(name, sa.Uuid() if name == "id" else None) for name in ("id", "tenant_id", "source", "status")),
)
_NOTE = sa.table("ai_agent_unrolled_logs", sa.column("log_id", sa.Uuid()), sa.column("tenant_id"))
_SEALED = sa.table("ai_agent_sealed_days", sa.column("day", UTCDateTime()))
_CLAIM = sa.table("ai_agent_claims", sa.column("name"), sa.column("holder"), sa.column("until", UTCDateTime()))

_INDEX = "ix_ai_agent_usage_ranked"
_RANKED = ("tenant_id", "level", "grain", "period_start", "agent_id", "user_id", "status", "error")
_RANKED_ROWS = sa.text("level IN ('agent', 'user') AND grain IN ('week', 'day')")

Row = dict[str, Any]


def upgrade() -> None:
    connection = op.get_bind()
    if "source" not in _columns(connection):
        op.add_column(
            "ai_agent_usage", sa.Column("source", sa.String(16), nullable=False, server_default="system")
        )
    if (
        connection.dialect.name != "sqlite"
    ):  # so that processes of the former version count nothing as the system's
        op.alter_column(
            "ai_agent_usage", "source", existing_type=sa.String(16), server_default=None, nullable=False
        )
    _rank("source")  # the last statement that commits on MariaDB
    _keep_rollers_out(connection)
    days = _starts(connection, "day")
    sealed = days & set(connection.scalars(sa.select(_SEALED.c.day)))
    reported = {day for day in days - sealed if _has_reports(connection, day)}
    for day in sorted(sealed):
        _make_unknown(connection, day)
    for day in sorted(reported):
        _count_again(connection, day)
    missing = {_week_of(day) for day in days} - _starts(connection, "week")
    for week in sorted({_week_of(day) for day in sealed | reported} | missing):
        for level in _LEVELS:
            _sum_week(connection, level, week)


def downgrade() -> None:
    connection = op.get_bind()
    if "source" not in _columns(connection):
        return
    _keep_rollers_out(connection)
    _merge_sources(connection)
    op.drop_index(_INDEX, "ai_agent_usage", if_exists=True)
    op.drop_column("ai_agent_usage", "source")
    _rank()


def _columns(connection: sa.Connection) -> set[str]:
    return {column["name"] for column in sa.inspect(connection).get_columns("ai_agent_usage")}


def _rank(*source: str) -> None:
    op.drop_index(_INDEX, "ai_agent_usage", if_exists=True)
    columns = [*_RANKED, *source, "executions", "last_used_at"]
    op.create_index(_INDEX, "ai_agent_usage", columns, sqlite_where=_RANKED_ROWS, postgresql_where=_RANKED_ROWS)


def _keep_rollers_out(connection: sa.Connection) -> None:
    """Lock the claim of whoever changes rollups or deletes logs, until this transaction ends."""
    now = datetime.now(UTC)
    if not connection.execute(sa.update(_CLAIM).where(_CLAIM.c.name == "rollups").values(until=now)).rowcount:
        connection.execute(sa.insert(_CLAIM).values(name="rollups", holder="", until=now))


def _starts(connection: sa.Connection, grain: str) -> set[datetime]:
    every = _USAGE.c.level == "actions"  # the one level that every log counts in
    return set(
        connection.scalars(sa.select(_USAGE.c.period_start).distinct().where(every, _USAGE.c.grain == grain))
    )


def _has_reports(connection: sa.Connection, day: datetime) -> bool:
    found = sa.select(_LOG.c.id).where(*_logged_on(day), _LOG.c.source != "system").limit(1)
    return connection.execute(found).first() is not None


def _make_unknown(connection: sa.Connection, day: datetime) -> None:
    """Label the rows of a day and its hours, and give them the ids that such rows have."""
    found = sa.select(_USAGE.c.id, *(_USAGE.c[name] for name in _KEY))
    rows = connection.execute(found.where(*_of_day(day), _USAGE.c.source == "system")).mappings()
    change = (
        sa.update(_USAGE)
        .where(_USAGE.c.id == sa.bindparam("old"))
        .values(id=sa.bindparam("new"), source="unknown")
    )
    for some in _batches({"old": row["id"], "new": _id_of(row, "unknown")} for row in rows.all()):
        connection.execute(change, some)


def _count_again(connection: sa.Connection, day: datetime) -> None:
    connection.execute(sa.delete(_USAGE).where(*_of_day(day)))
    noted = sa.select(_NOTE.c.log_id).where(
        _NOTE.c.log_id >= _first_id(day), _NOTE.c.log_id < _first_id(day + _DAY)
    )
    ended = sa.select(_LOG.c.id, _LOG.c.tenant_id).where(*_logged_on(day), _LOG.c.status != "running")
    ended = ended.where(_LOG.c.id.not_in(noted))
    connection.execute(sa.insert(_NOTE).from_select(["log_id", "tenant_id"], ended))


def _sum_week(connection: sa.Connection, level: str, week: datetime) -> None:
    of_level = _USAGE.c.level == level
    made = (of_level, _USAGE.c.grain == "week", _USAGE.c.period_start == week)
    connection.execute(sa.delete(_USAGE).where(*made))
    days = sa.select(_USAGE).where(of_level, _USAGE.c.grain == "day", *_within(week, _WEEK))
    rows: dict[UUID, Row] = {}
    for day in connection.execute(days).mappings():
        row = {**day, "grain": "week", "period_start": week}
        row["id"] = _id_of(row, row["source"])
        rows[row["id"]] = _sum(rows[row["id"]], row) if row["id"] in rows else row
    for some in _batches(rows.values()):
        connection.execute(sa.insert(_USAGE), some)


def _merge_sources(connection: sa.Connection) -> None:
    """Give every row the id that it had without a source, together with the other rows of that id."""
    others = sa.select(_USAGE).where(_USAGE.c.source != "system").limit(_BATCH)
    while rows := connection.execute(others).mappings().all():
        merged: dict[UUID, Row] = {}
        leaving = {row["id"] for row in rows}
        meant = {_id_of(row, "system") for row in rows}
        same = connection.execute(sa.select(_USAGE).where(_USAGE.c.id.in_(meant - leaving))).mappings().all()
        for row in (*same, *rows):
            row_id = _id_of(row, "system")
            changed = {**row, "id": row_id, "source": "system"}
            merged[row_id] = _sum(merged[row_id], changed) if row_id in merged else changed
        connection.execute(sa.delete(_USAGE).where(_USAGE.c.id.in_(leaving | meant)))
        connection.execute(sa.insert(_USAGE), list(merged.values()))


def _sum(row: Row, other: Row) -> Row:
    durations = dict(row["durations"])
    for bucket, count in other["durations"].items():
        durations[bucket] = durations.get(bucket, 0) + count
    last = max(row["last_used_at"], other["last_used_at"])
    return (
        row
        | {name: _plus(row[name], other[name]) for name in _ADDED}
        | {"durations": durations, "last_used_at": last}
    )


def _plus(one: Any, other: Any) -> Any:
    # SQLite keeps large sums as text, in their smallest unit.
    return str(int(one) + int(other)) if isinstance(one, str) else one + other


def _id_of(row: Mapping[Any, Any], source: str) -> UUID:
    """The id of a row: a hash of its key, without the source where that is the system."""
    key = [row[name] for name in _KEY if name != "action" or row[name] is not None]
    text = ", ".join(json.dumps(value, default=str) for value in key)
    label = "" if source == "system" else source
    return UUID(bytes=hashlib.sha256(f"{label}[{text}]".encode()).digest()[:16], version=5)


def _of_day(day: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Rows of a day and its hours. All levels are named, because the index begins with the level."""
    levels = _USAGE.c.level.in_((*_LEVELS, "detail"))
    return levels, _USAGE.c.grain.in_(("day", "hour")), *_within(day, _DAY)


def _within(start: datetime, length: timedelta) -> tuple[sa.ColumnElement[bool], ...]:
    return _USAGE.c.period_start >= start, _USAGE.c.period_start < start + length


def _logged_on(day: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return _LOG.c.id >= _first_id(day), _LOG.c.id < _first_id(day + _DAY)


def _first_id(time: datetime) -> UUID:
    milliseconds = (time - _EPOCH) // timedelta(milliseconds=1)
    return UUID(int=max(0, milliseconds) << 80 | 0x7 << 76 | 0b10 << 62)


def _week_of(day: datetime) -> datetime:
    return day - timedelta(days=day.weekday())


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    waiting = [*rows]
    for start in range(0, len(waiting), _BATCH):
        yield waiting[start : start + _BATCH]
