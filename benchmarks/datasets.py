"""Fill a migrated PostgreSQL with agents and 60 days of their logs, the same each time; copy them to SQLite.

``python benchmarks/datasets.py URI --agents 10000 --logs 1000000 --tenants 100``

A few tenants have most agents and a few agents most runs (Zipf); noon is busy and midnight is not; 4% fail, 5%
were tried twice, 3% were recorded by clients and 2% have no known price. Rows are made by the database itself,
about a minute a million; the sums take longer, since the roller makes them.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parent))

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from flask_aiagents import AIAgents
from flask_aiagents.core.clock import utcnow, uuid7_from, uuid7_time
from flask_aiagents.core.migrate import upgrade
from flask_aiagents.features.activity.models import ActivityLog
from flask_aiagents.features.agents.models import Agent

DAYS = 60
CHUNK = 100_000
"""Logs that one statement makes."""

BATCH = 5_000
"""Rows of a copy that are in memory."""

_TABLES: list[Any] = [Agent.__table__, ActivityLog.__table__]

_ID = """
    (lpad(to_hex(({ms})::bigint), 12, '0') || '7' || substr(md5({salt}), 1, 3)
     || '8' || substr(md5({salt}), 4, 15))::uuid
"""
"""A version 7 UUID of a time in milliseconds."""

_AGENTS = f"""
INSERT INTO ai_agents (id, name, name_key, description, agent_type, capabilities, model_config, status,
                       tenant_id, tenant_key, created_by, created_at, updated_at, version)
SELECT {_ID.format(ms="extract(epoch from at) * 1000", salt="'agent' || n")},
       'Agent ' || lpad(n::text, 5, '0'), 'agent ' || lpad(n::text, 5, '0'),
       'Makes part of a data set.', (array['assistant', 'analyst', 'coder', 'writer'])[n % 4 + 1],
       jsonb_build_array((array['chat', 'planning', 'research'])[n % 3 + 1]),
       jsonb_build_object('provider', 'openai', 'model', (array['gpt-4o-mini', 'gpt-4o'])[n % 2 + 1]),
       (array['active', 'active', 'active', 'inactive'])[n % 4 + 1], tenant, tenant, 'admin', at, at, 1
FROM (SELECT n, 't' || floor(:tenants * power((n - 0.5) / :agents, :skew))::int AS tenant,
             date_trunc('milliseconds', now()) - interval '90 days' + n * interval '10 seconds' AS at
      FROM generate_series(1, :agents) AS n) AS made
"""
"""Tenant ``t0`` has most: a root of its share."""

_ATTEMPT = '{"provider": "openai", "model": "gpt-4o", "duration_ms": 210, "usage": null, "error": %s}'
_RETRIED = "'[" + ", ".join(_ATTEMPT % error for error in ('"rate_limited"', "null")) + "]'"

_LOGS = f"""
INSERT INTO ai_agent_activity_logs (id, agent_id, agent_name, user_id, tenant_id, action, source, status, error,
    provider, model, input_tokens, output_tokens, cached_tokens, tokens_used, cost_usd, unpriced, duration_ms,
    request_data, response_data, attempts, created_at)
SELECT {_ID.format(ms="ms", salt="'log' || n || ms")}, agent.id, agent.name, 'u' || user_number, agent.tenant_id,
       'execute', CASE WHEN hash % 33 = 7 THEN 'client' ELSE 'system' END,
       CASE WHEN kind IS NULL THEN 'success' WHEN kind = 'timeout' THEN 'timeout' ELSE 'error' END, kind,
       'openai', agent.model_config ->> 'model', hash % 900, hash % 400, 0, hash % 900 + hash % 400,
       CASE WHEN hash % 50 <> 3
            THEN round((hash % 900 * 0.00000015 + hash % 400 * 0.0000006)::numeric, 12) END,
       hash % 50 = 3, exp(6.5 + 0.7 * (CAST(hash % 1000 AS float8) / 250 - 2))::int,
       '{{"input": [{{"role": "user", "content": "Where is my parcel?"}}]}}', '{{"output": "On its way."}}',
       CASE WHEN hash % 20 = 9 THEN {_RETRIED} ELSE '[]' END::jsonb,
       to_timestamp(ms / 1000.0)
FROM (SELECT n, hash, place, user_number,
             CASE WHEN hash % 25 = 0
                  THEN (array['rate_limited', 'upstream', 'timeout', 'authentication'])[hash / 25 % 4 + 1]
             END AS kind,
             (CASE WHEN day + at < :now THEN day + at ELSE day + at - 86400 END * 1000)::bigint AS ms
      FROM (SELECT n, abs(hashtext('r' || n)::bigint) AS hash,
                   floor(40 * power(abs(hashtext('u' || n)::float8) / 2147483649, 3))::int AS user_number,
                   floor(power(CAST(:agents AS float8), abs(hashtext('a' || n)::float8) / 2147483649))::int
                   AS place,
                   floor(:now / 86400) * 86400
                   - 86400 * floor(:days * power(CAST((n - 0.5) / :logs AS float8), 0.9)) AS day,
                   (abs(hashtext('f' || n)::float8) + abs(hashtext('s' || n)::float8)) / 4294967298 * 86400 AS at
            FROM generate_series(CAST(:first AS int), :last) AS n) AS drawn) AS made
JOIN data_set_agents AS agent ON agent.place = made.place
"""
"""The time of day is the mean of two draws: most of it about noon, UTC."""


def fill(uri: str, agents: int, logs: int, tenants: int, *, skew: float = 3, tell: bool = False) -> None:
    """Agents and logs into a database that has our tables, and the sums of the logs.

    :param skew: of so many tenants that one in twenty is the first, 3 gives it 37% of the agents, 16 gives 83%.
    """
    fill_logs(uri, agents, logs, tenants, skew=skew, tell=tell)
    sum_up(uri, tell)
    with sa.create_engine(uri, poolclass=sa.NullPool).connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text("VACUUM ANALYZE"))


def fill_logs(uri: str, agents: int, logs: int, tenants: int, *, skew: float = 3, tell: bool = False) -> None:
    """The same without the sums."""
    engine = sa.create_engine(uri, poolclass=sa.NullPool)
    with engine.begin() as connection:
        _make_months(connection)
        connection.execute(sa.text("SELECT set_config('aiagents.scope', 'system', true)"))
        connection.execute(sa.text(_AGENTS), {"agents": agents, "tenants": tenants, "skew": skew})
        connection.execute(
            sa.text(
                "CREATE TABLE data_set_agents AS SELECT *, row_number() OVER (ORDER BY md5(name)) AS place"
                " FROM ai_agents"
            )
        )
    for first in range(1, logs + 1, CHUNK):
        last = min(first + CHUNK - 1, logs)
        values = {"first": first, "last": last, "agents": agents, "logs": logs, "days": DAYS, "now": time.time()}
        with engine.begin() as connection:
            connection.execute(sa.text("SELECT set_config('aiagents.scope', 'system', true)"))
            connection.execute(sa.text(_LOGS), values)
        _say(tell, f"{last:,} logs")
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE data_set_agents"))


def copy(uri: str, other: str) -> None:
    """The agents and logs of a filled database into a migrated one of any kind, which adds up its own sums."""
    source, target = (sa.create_engine(one, poolclass=sa.NullPool) for one in (uri, other))
    with source.connect() as reading, target.begin() as writing:
        reading.execute(sa.text("SELECT set_config('aiagents.scope', 'system', true)"))
        for table in _TABLES:
            rows = reading.execution_options(yield_per=BATCH).execute(sa.select(table)).mappings()
            for some in rows.partitions():
                writing.execute(sa.insert(table), [dict(row) for row in some])
    sum_up(other)


def _make_months(connection: sa.Connection) -> None:
    """Partitions of the past, as an installation has them that made one each month."""
    log, run = "ai_agent_activity_logs", connection.exec_driver_sql
    now: UUID = connection.scalar(sa.text("SELECT ends FROM aiagents_log_partitions() WHERE begins IS NULL"))
    month = uuid7_time(now)
    begins = [now]
    while month > utcnow() - timedelta(days=DAYS):
        month = (month - timedelta(days=1)).replace(day=1)
        begins.insert(0, uuid7_from(month))
    run(f"ALTER TABLE {log} DETACH PARTITION {log}_earlier")
    run(f"ALTER TABLE {log} ATTACH PARTITION {log}_earlier FOR VALUES FROM (MINVALUE) TO ('{begins[0]}')")
    for begin, end in pairwise(begins):
        table = f"{log}_{uuid7_time(begin):%Y%m}"
        run(f"SELECT aiagents_make_log_table('{table}')")
        run(f"ALTER TABLE {log} ATTACH PARTITION {table} FOR VALUES FROM ('{begin}') TO ('{end}')")


def sum_up(uri: str, tell: bool = False) -> None:
    """The sums of a data set's logs."""
    app = Flask("data_set")
    app.config.update(SECRET_KEY="x", SQLALCHEMY_DATABASE_URI=uri, AIAGENTS_MAINTENANCE_INTERVAL_S=0)
    AIAgents(app, SQLAlchemy(app))
    with app.app_context():
        upgrade(app.extensions["aiagents"].database)
        now = utcnow()
        app.extensions["aiagents"].analytics.rebuild(
            now - timedelta(days=DAYS + 1),
            now,
            tell=lambda day, count: _say(tell, f"{day:%Y-%m-%d} summed, {count or 0:,}"),
        )
        app.extensions["aiagents"].database.engine.dispose()


def _say(tell: bool, text: str) -> None:
    if tell:
        print(text, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("uri")
    for name, default in (("agents", 10_000), ("logs", 1_000_000), ("tenants", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    chosen = parser.parse_args()
    fill(chosen.uri, chosen.agents, chosen.logs, chosen.tenants, tell=True)


if __name__ == "__main__":
    main()
