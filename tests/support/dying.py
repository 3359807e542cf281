"""Processes that die between two statements."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event


class Died(Exception):
    """What a process that dies leaves of a transaction: nothing."""


@contextmanager
def dying_at(app: Flask, number: int) -> Iterator[None]:
    """The statement of this number, and all after it, never get to the database."""
    engine, numbers = app.extensions["aiagents"].database.engine, itertools.count(1)

    def count(*_: Any) -> None:
        if next(numbers) >= number:
            raise Died

    event.listen(engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", count)
