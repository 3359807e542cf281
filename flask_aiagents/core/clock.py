"""Time, always UTC, and ids that follow it."""

from __future__ import annotations

import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import unpack
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utcnow() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


class _Ids:
    """UUIDv7 (RFC 9562, method 1): 48 bits of milliseconds, a 12-bit counter, 62 random bits.

    Ids of one process increase strictly, also within a millisecond and when the clock steps back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def __call__(self) -> UUID:
        return self.many(1)[0]

    def many(self, count: int) -> list[UUID]:
        """The next ids, made at once."""
        with self._lock:
            first = max(time.time_ns() // 1_000_000 << 12, self._last + 1)
            self._last = first + count - 1
        noise = unpack(f"{count}Q", secrets.token_bytes(8 * count))
        return [_uuid(stamp, bits >> 2) for stamp, bits in enumerate(noise, first)]


def _uuid(stamp: int, noise: int) -> UUID:
    return UUID(int=stamp >> 12 << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | noise)


uuid7 = _Ids()
"""Make the next id."""


def uuid7_time(value: UUID) -> datetime:
    """The millisecond in which a UUIDv7 was made.

    :raises ValueError: for a UUID of another version.
    """
    if value.int >> 76 & 0xF != 7:
        raise ValueError(f"{value} is no UUIDv7; only those carry a time.")
    return _time(value.int >> 80)


@lru_cache(maxsize=64)
def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)


def uuid7_from(time: datetime) -> UUID:
    """Where the ids of this time begin: of all ids made then or later, none is smaller."""
    milliseconds = -((_EPOCH - time) // timedelta(milliseconds=1))
    return UUID(int=max(0, milliseconds) << 80 | 0x7 << 76 | 0b10 << 62)
