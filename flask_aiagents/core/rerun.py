"""Work that is run again when the database ended it in favour of another transaction.

PostgreSQL and MariaDB break a deadlock by rolling one side back, and refuse a write that a concurrent one made
impossible to serialize. The whole unit of work then runs again, after a pause of random length, a few times.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from .db import Database

TRIES = 4
"""How often a unit of work is run in all."""

PAUSE_S = 0.05
"""Longest pause before the second try; it doubles with each further one."""

_CONFLICT_STATES = frozenset({"40P01", "40001"})
"""PostgreSQL's deadlock_detected and serialization_failure."""

_CONFLICT_NUMBERS = frozenset({1213, 1020})
"""MariaDB's deadlock, and its record that has changed since the transaction read it."""

P = ParamSpec("P")
R = TypeVar("R")


def is_conflict(error: DBAPIError) -> bool:
    """Whether the database rolled a transaction back in favour of another."""
    cause: Any = error.orig
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return state in _CONFLICT_STATES or bool(_CONFLICT_NUMBERS.intersection(cause.args[:1]))


def run_again_on_conflict(work: Callable[[], R]) -> R:
    """Run work, and again after a conflict.

    :param work: opens its transaction itself and does nothing else that could not be done twice.
    :raises DBAPIError: when the last try meets a conflict, too.
    """
    for number in range(1, TRIES):
        try:
            return work()
        except DBAPIError as error:
            if not is_conflict(error):
                raise
        time.sleep(random.uniform(0, PAUSE_S * 2**number))  # noqa: S311  # so that the same two do not meet again
    return work()


class _Service(Protocol):
    @property
    def _db(self) -> Database: ...


S = TypeVar("S", bound=_Service)


def rerunnable(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Run a service's method again after a conflict, unless it joins a transaction that its caller opened."""

    @wraps(method)
    def call(self: S, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._db.run_again_on_conflict(lambda: method(self, *args, **kwargs))

    return call
