from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import StatementError

from flask_aiagents.core.clock import utcnow, uuid7, uuid7_time
from flask_aiagents.core.columns import Money, UTCDateTime

table = sa.Table(
    "amounts",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("cost", Money),
    sa.Column("at", UTCDateTime),
)


def test_r31_money_sums_are_exact_on_each_database(database_uri: str) -> None:
    """A hundred thousand times 0.1 is 10000, and the smallest amount is kept: no float in between."""
    engine = sa.create_engine(database_uri, poolclass=sa.NullPool)
    table.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(table), [{"cost": Decimal("0.1")}] * 100_000)
        connection.execute(sa.insert(table), [{"cost": Decimal("0.000000000001")}])
        total = connection.scalar(sa.select(sa.func.sum(table.c.cost)))
    assert total == Decimal("10000.000000000001")
    assert isinstance(total, Decimal)


def test_times_come_back_in_utc_to_the_microsecond(database_uri: str) -> None:
    """A time in another zone is the same moment when it is read; a naive one is refused."""
    engine = sa.create_engine(database_uri, poolclass=sa.NullPool)
    table.metadata.create_all(engine)
    moment = datetime(2026, 3, 29, 3, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    with engine.begin() as connection:
        connection.execute(sa.insert(table), [{"at": moment}])
        read = connection.scalar(sa.select(table.c.at))
        with pytest.raises(StatementError, match="time zone"):
            connection.execute(sa.insert(table), [{"at": moment.replace(tzinfo=None)}])
    assert read == moment
    assert read is not None
    assert read.tzinfo is UTC


def test_ids_follow_time_and_never_repeat() -> None:
    """Ids of one process increase strictly, carry their millisecond, and say so only where they do."""
    before = utcnow() - timedelta(milliseconds=1)
    ids = [uuid7() for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert before <= uuid7_time(ids[0]) <= utcnow()
    assert {value.version for value in ids} == {7}
    with pytest.raises(ValueError, match="UUIDv7"):
        uuid7_time(ids[0].__class__(int=0))
