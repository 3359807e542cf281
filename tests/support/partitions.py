"""The log's partitions on PostgreSQL, looked at and prepared."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from flask_aiagents.core.clock import uuid7_from

LOG = "ai_agent_activity_logs"


def partitions(uri: str) -> list[str]:
    """Their names without the log's, in order."""
    engine = sa.create_engine(uri, poolclass=sa.NullPool)
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT partition FROM aiagents_log_partitions() ORDER BY begins NULLS FIRST")
        )
        return [row.partition.removeprefix(f"{LOG}_") for row in rows]


def months(first: datetime, count: int) -> list[datetime]:
    """The begins of so many months, from that of a time on."""
    numbers = range(first.year * 12 + first.month - 1, first.year * 12 + first.month - 1 + count)
    return [datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC) for number in numbers]


def make_past_months(owner: str, first: datetime) -> None:
    """Months from a time on up to now, as a log has them that began then; it must be empty still."""
    engine = sa.create_engine(owner, poolclass=sa.NullPool)
    with engine.begin() as connection:
        find = "SELECT ends FROM aiagents_log_partitions() WHERE begins IS NULL"
        now = connection.scalar(sa.text(find))
        begins = [month for month in months(first, 240) if uuid7_from(month) < now]
        bounds = [*map(uuid7_from, begins), now]
        run = connection.exec_driver_sql
        run(f"ALTER TABLE {LOG} DETACH PARTITION {LOG}_earlier")
        run(f"ALTER TABLE {LOG} ATTACH PARTITION {LOG}_earlier FOR VALUES FROM (MINVALUE) TO ('{bounds[0]}')")
        for number, month in enumerate(begins):
            table = f"{LOG}_{month:%Y%m}"
            run(f"SELECT aiagents_make_log_table('{table}')")
            run(
                f"ALTER TABLE {LOG} ATTACH PARTITION {table} "
                f"FOR VALUES FROM ('{bounds[number]}') TO ('{bounds[number + 1]}')"
            )


def unmake_months(owner: str) -> None:
    """Let "later" begin with this month, as where no maintenance ran for months; the months must be empty."""
    engine = sa.create_engine(owner, poolclass=sa.NullPool)
    with engine.begin() as connection:
        run = connection.exec_driver_sql
        run(f"ALTER TABLE {LOG} DETACH PARTITION {LOG}_later")
        for month in months(datetime.now(UTC), 3):
            run(f"DROP TABLE {LOG}_{month:%Y%m}")
        first = uuid7_from(months(datetime.now(UTC), 1)[0])
        run(f"ALTER TABLE {LOG} ATTACH PARTITION {LOG}_later FOR VALUES FROM ('{first}') TO (MAXVALUE)")
