"""The log's months on PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from operator import eq, ge, gt, le, lt
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError
from support.cast import BOB, ROOT, Clients, make_agent
from support.databases import Roles, run_sql
from support.hosts import close, make_host
from support.logs import begin, finish, log_id_at
from support.partitions import LOG, make_past_months, months, partitions, unmake_months
from support.usage import ask, counted, exact, past, roll_up, write

from flask_aiagents.core import migrate
from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.activity.models import ActivityLog
from flask_aiagents.features.activity.partitions import extend
from flask_aiagents.features.activity.retention import Retention
from flask_aiagents.features.analytics.period import Period
from flask_aiagents_alembic import is_ours

DAY = timedelta(days=1)


@pytest.fixture
def two_roles(postgres: Roles) -> Iterator[Flask]:
    """A host whose tables another role owns."""
    run_sql(postgres.owner, "GRANT CREATE ON SCHEMA public TO public")
    app = make_host(postgres.app, AIAGENTS_MIGRATION_URI=postgres.owner)
    yield app
    close(app)


def database_of(app: Flask) -> Any:
    return app.extensions["aiagents"].database


def drop_old(app: Flask, days: int) -> int:
    with app.app_context():
        system = app.extensions["aiagents"]
        return Retention(system.database, system.access, {"*": days}).apply()


def extended(app: Flask) -> int:
    with app.app_context():
        return extend(database_of(app))


def stored(app: Flask) -> set[Any]:
    with app.app_context(), database_of(app).transaction(SYSTEM) as session:
        return set(session.scalars(sa.select(ActivityLog.id)))


def test_three_months_are_there_and_no_more_are_made(two_roles: Flask, postgres: Roles) -> None:
    """This month and the next two, what is before and what is after; asking again changes nothing."""
    names = [f"{month:%Y%m}" for month in months(utcnow(), 3)]
    assert partitions(postgres.app) == ["earlier", *names, "later"]
    assert extended(two_roles) == 0
    assert partitions(postgres.app) == ["earlier", *names, "later"]


def test_what_was_logged_before_is_kept(postgres: Roles) -> None:
    """An upgrade from one table, and the way back, keep every row; the figures stay."""
    app = make_host(postgres.owner, migrated=False)
    migrate.upgrade(database_of(app), "0003")
    logs = past(utcnow(), 50, 200)
    write(app, logs)
    for _ in range(2):
        migrate.upgrade(database_of(app))
        assert stored(app) == {log["id"] for log in logs}
        assert partitions(postgres.owner)[0] == "earlier"
        assert migrate.check(database_of(app)) == []
        migrate.downgrade(database_of(app), "0003")
        assert stored(app) == {log["id"] for log in logs}
    migrate.upgrade(database_of(app))
    roll_up(app)
    assert exact(ask(app, "summary", Period.recent("60d"))) == counted(logs)
    close(app)


@pytest.mark.parametrize("there", ["0003", "0004"])
def test_what_is_committed_during_a_migration_is_kept(postgres: Roles, there: str) -> None:
    """Whoever has written a log, but not committed it yet, is waited for, on the way up and on the way down."""
    back = {"0003": "0004", "0004": "0003"}[there]
    app = make_host(postgres.owner, migrated=False)
    migrate.upgrade(database_of(app), there)
    move = migrate.downgrade if back == "0003" else migrate.upgrade
    with ThreadPoolExecutor(1) as pool, app.app_context():
        with database_of(app).transaction(SYSTEM) as session:
            session.insert_rows(ActivityLog, logs := past(utcnow(), 50, 200))
            migration = pool.submit(move, database_of(app), back)
            while not _waits(postgres):
                assert not migration.done()
                time.sleep(0.02)
        migration.result(30)
    assert stored(app) == {log["id"] for log in logs}
    close(app)


def _waits(postgres: Roles) -> bool:
    """Whether somebody waits for a lock in this database."""
    engine = sa.create_engine(postgres.admin, poolclass=sa.NullPool)
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with engine.connect() as connection:
        return connection.scalar(sa.text(waiting)) > 0


@pytest.mark.parametrize("role", ["app", "owner"])
def test_a_partition_is_read_through_the_whole_alone(two_roles: Flask, postgres: Roles, role: str) -> None:
    """Neither role reads a month itself, not even with the system's scope."""
    make_agent(Clients.of(two_roles).alice)
    month = f"{LOG}_{utcnow():%Y%m}"
    engine = sa.create_engine(getattr(postgres, role), poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT set_config('aiagents.scope', 'system', true)"))
        assert connection.scalar(sa.text(f"SELECT count(*) FROM {LOG}")) == 1
        if role == "app":
            with pytest.raises(DBAPIError, match="permission denied"):
                connection.scalar(sa.text(f"SELECT count(*) FROM {month}"))
        else:
            assert connection.scalar(sa.text(f"SELECT count(*) FROM {month}")) == 0


def test_the_application_neither_makes_nor_drops_a_month_itself(two_roles: Flask, postgres: Roles) -> None:
    """Its role may call the two functions, in the system's scope, and that is all."""
    month, engine = f"{LOG}_{utcnow():%Y%m}", sa.create_engine(postgres.app, poolclass=sa.NullPool)
    own = "SELECT set_config('aiagents.scope', 'tenant', true)"
    for statement, refusal in (
        (f"DROP TABLE {month}", "must be owner"),
        (f"TRUNCATE {month}", "permission denied"),
        (f"ALTER TABLE {LOG} DETACH PARTITION {month}", "must be owner"),
        (f"CREATE TABLE mine PARTITION OF {LOG} DEFAULT", "must be owner"),
        (f"SELECT aiagents_make_log_table('{LOG}_mine')", "permission denied"),
        ("SELECT aiagents_extend_log(2)", "only the system scope"),
        ("SELECT aiagents_drop_oldest_log(now())", "only the system scope"),
    ):
        with engine.connect() as connection:
            connection.execute(sa.text(own))
            with pytest.raises(DBAPIError, match=refusal):
                connection.execute(sa.text(statement))
    assert len(partitions(postgres.app)) == 5


def test_a_month_is_dropped_when_all_of_it_may_leave(two_roles: Flask, postgres: Roles) -> None:
    """Months leave whole, old rows of no month too; what is left can be added to, however old; figures stay."""
    now = utcnow()
    make_past_months(postgres.owner, now - 150 * DAY)
    logs = past(now, 200, 2_000)
    write(two_roles, logs)
    roll_up(two_roles)
    before = partitions(postgres.app)
    drop_old(two_roles, 70)
    gone = set(before) - set(partitions(postgres.app))
    assert gone == {
        f"{month:%Y%m}" for month, after in _months_between(now - 150 * DAY, now) if after <= now - 70 * DAY
    }
    assert stored(two_roles) == {log["id"] for log in logs if log["created_at"] >= now - 70 * DAY}
    assert exact(ask(two_roles, "summary", Period.recent("220d"))) == counted(logs)
    late = past(now - 190 * DAY, 5, 10)
    write(two_roles, late)
    roll_up(two_roles)
    assert exact(ask(two_roles, "summary", Period.recent("220d"))) == counted(logs + late)


def _months_between(first: datetime, last: datetime) -> list[tuple[datetime, datetime]]:
    begins = [month for month in months(first, 24) if month <= last]
    return list(pairwise(begins))


def test_a_month_with_an_uncounted_log_stays(two_roles: Flask, postgres: Roles) -> None:
    """What the rollups do not have yet holds its month back, and nobody waits for it."""
    now = utcnow()
    make_past_months(postgres.owner, now - 150 * DAY)
    logs = past(now - 140 * DAY, 5, 20)
    write(two_roles, logs)
    drop_old(two_roles, 70)
    assert f"{logs[0]['created_at']:%Y%m}" in partitions(postgres.app)
    assert stored(two_roles) == {log["id"] for log in logs}
    roll_up(two_roles)
    assert drop_old(two_roles, 70) > 0
    assert stored(two_roles) == set()
    assert exact(ask(two_roles, "summary", Period.recent("220d"))) == counted(logs)


def test_a_month_stays_whose_rule_was_changed_meanwhile(two_roles: Flask, postgres: Roles) -> None:
    """Between two months an operator says that a tenant's logs stay for good: the second month is not dropped."""
    now = utcnow()
    make_past_months(postgres.owner, now - 150 * DAY)
    logs = [log | {"tenant_id": "acme"} for log in past(now - 100 * DAY, 50, 200)]
    write(two_roles, logs)
    roll_up(two_roles)
    with two_roles.app_context():
        system = two_roles.extensions["aiagents"]
        service = Retention(system.database, system.access, {"*": 70})
        told: list[str] = []

        def change(said: str) -> None:
            told.append(said)
            service.set("acme", 0, principal=ROOT)

        service.apply(now, tell=change)
    assert len(told) == 1
    assert len(stored(two_roles) & {log["id"] for log in logs}) > 0


def test_whoever_uses_the_log_is_not_waited_for(two_roles: Flask, postgres: Roles) -> None:
    """While a long transaction holds the log, nothing is dropped and writers go on; after it, months leave."""
    now = utcnow()
    make_past_months(postgres.owner, now - 150 * DAY)
    logs = past(now - 140 * DAY, 5, 20)
    write(two_roles, logs)
    roll_up(two_roles)
    reader = sa.create_engine(postgres.app, poolclass=sa.NullPool).connect()
    reader.execute(sa.text(f"SELECT count(*) FROM {LOG}"))
    held = drop_old(two_roles, 70)  # row by row instead: only the whole months must wait
    make_agent(Clients.of(two_roles).alice)
    assert held == 20
    assert f"{now - 140 * DAY:%Y%m}" in partitions(postgres.app)
    reader.close()
    drop_old(two_roles, 70)
    assert f"{now - 140 * DAY:%Y%m}" not in partitions(postgres.app)


def test_where_nobody_made_months_the_rows_find_their_place(two_roles: Flask, postgres: Roles) -> None:
    """Logs of a time without partitions are kept, and get one as soon as maintenance runs again."""
    unmake_months(postgres.owner)
    logs = past(utcnow() + DAY, 1, 50)
    write(two_roles, logs)
    month = f"{utcnow():%Y%m}"
    assert partitions(postgres.app) == ["earlier", "later"]
    assert extended(two_roles) >= 3
    names = partitions(postgres.app)
    assert (names[:2], names[-1]) == (["earlier", month], "later")
    assert stored(two_roles) == {log["id"] for log in logs}
    assert extended(two_roles) == 0
    assert migrate.check(database_of(two_roles)) == []
    with pytest.raises(DBAPIError, match="does not change"):
        run_sql(postgres.admin, f"UPDATE {LOG} SET status = 'error'")


def test_a_month_is_read_alone(two_roles: Flask) -> None:
    """A period that bounds the ids touches one partition; the row of an execution is ended in its own."""
    now = datetime.now(UTC)
    agent = make_agent(Clients.of(two_roles).alice)
    log_id = begin(two_roles, agent["id"], principal=BOB)
    assert finish(two_roles, log_id, principal=BOB)
    plan = _explain(
        two_roles, "id >= :first AND id < :last", first=str(log_id_at(now)), last=str(log_id_at(now + 0.01 * DAY))
    )
    assert plan.count(f"{LOG}_") - plan.count("Index Cond") < 3
    assert "earlier" not in plan
    assert "later" not in plan
    page = Clients.of(two_roles).alice.get("/api/ai_agent_activity_logs?action=eq.execute").json
    assert [log["status"] for log in page] == ["success"]


@pytest.mark.parametrize("where", ["gte.{0}", "gt.{0}", "eq.{0}", "lt.{0}", "lte.{0}", "not.gte.{0}"])
def test_a_filter_on_time_finds_what_it_says(any_host: Flask, where: str) -> None:
    """Also where ids are bounded for it, to the millisecond, on either side of it."""
    logs = past(utcnow(), 3, 40)
    write(any_host, logs)
    middle = sorted(log["created_at"] for log in logs)[20]
    compare = {"gte": ge, "gt": gt, "eq": eq, "lt": lt, "lte": le, "not.gte": lt}[where.removesuffix(".{0}")]
    query = {"created_at": where.format(middle.isoformat().replace("+00:00", "Z")), "limit": 200}
    found = Clients.of(any_host).root.get("/api/ai_agent_activity_logs", query_string=query).json
    assert {row["id"] for row in found} == {str(log["id"]) for log in logs if compare(log["created_at"], middle)}


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z", "soon"])
def test_times_at_the_end_of_all_are_no_error_of_ours(host: Flask, time: str) -> None:
    """The first and the last time that there is are answered, what is none is refused."""
    for operator in ("eq", "lte", "gt"):
        query = {"created_at": f"{operator}.{time}"}
        answer = Clients.of(host).root.get("/api/ai_agent_activity_logs", query_string=query)
        assert answer.status_code == (400 if time == "soon" else 200), answer.text


def _explain(app: Flask, where: str, **parameters: str) -> str:
    with app.app_context(), database_of(app).transaction(SYSTEM) as session:
        statement = sa.text(f"EXPLAIN SELECT * FROM {LOG} WHERE {where}")
        return "\n".join(session.connection().scalars(statement, parameters))


def test_names_of_partitions_count_as_ours(two_roles: Flask) -> None:
    """Names of partitions count as ours, so that no autogenerated migration drops them."""
    names = sa.inspect(database_of(two_roles).engine).get_table_names()
    assert [name for name in names if not is_ours(name)] == []
