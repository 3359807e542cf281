from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from flask_aiagents.core.clock import utcnow, uuid7, uuid7_from, uuid7_time


def test_ids_increase_strictly_from_all_threads() -> None:
    """Ids of one process never repeat, and each thread sees them grow."""
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: [uuid7() for _ in range(2000)], range(4)))
    assert all(run == sorted(run) for run in runs)
    assert len({made for run in runs for made in run}) == 8000


def test_an_id_carries_the_millisecond_of_its_making() -> None:
    """The time in an id is now, to the millisecond; other UUIDs carry none."""
    before = utcnow()
    made = uuid7_time(uuid7())
    assert before - timedelta(milliseconds=1) <= made <= utcnow() + timedelta(milliseconds=5)
    with pytest.raises(ValueError, match="no UUIDv7"):
        uuid7_time(uuid4())


@pytest.mark.parametrize("microsecond", [0, 1, 999, 1000, 1001, 999_999])
def test_ids_of_a_time_begin_at_its_millisecond(microsecond: int) -> None:
    """Of ids made at a time or later none is below uuid7_from(time); all made a millisecond earlier are."""
    time = datetime(2026, 1, 31, 12, 0, 5, microsecond, UTC)
    start = uuid7_from(time)
    assert start.version == 7
    assert time <= uuid7_time(start) < time + timedelta(milliseconds=1)
    earlier = uuid7_from(time - timedelta(milliseconds=1))
    assert UUID(int=earlier.int | 0xFFF << 64 | (1 << 62) - 1) < start


def test_times_before_1970_begin_at_the_first_id() -> None:
    """A period that starts before all ids starts with them."""
    assert uuid7_time(uuid7_from(datetime(1960, 1, 1, tzinfo=UTC))) == datetime(1970, 1, 1, tzinfo=UTC)


def test_many_ids_are_made_at_once() -> None:
    """They differ and increase like ids made one by one, before and after them."""
    before = uuid7()
    ids = [before, *uuid7.many(10_000), uuid7()]
    assert ids == sorted(set(ids))
    assert all(made.version == 7 and made.variant == before.variant for made in ids)
    assert uuid7.many(0) == []
    assert uuid7_time(ids[-1]) - uuid7_time(before) < timedelta(seconds=5)
