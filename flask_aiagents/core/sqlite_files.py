"""SQLite files that background work must not create.

SQLite makes an empty file where there is none, so a thread that ticks after a host deleted its database would
bring it back. In a thread that called :func:`never_create`, a missing file is an error instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

_existing_only: ContextVar[bool] = ContextVar("aiagents_existing_only", default=False)


@contextmanager
def never_create() -> Iterator[None]:
    """Refuse to connect to an SQLite file that does not exist."""
    token = _existing_only.set(True)
    try:
        yield
    finally:
        _existing_only.reset(token)


def watch(engine: sa.Engine) -> None:
    """Let :func:`never_create` govern the connections of an SQLite engine."""
    event.listen(engine, "do_connect", _connect)


def _connect(dialect: Any, _record: object, arguments: list[Any], options: dict[str, Any]) -> Any:
    if not _existing_only.get() or options.get("uri") or arguments[0] == ":memory:":
        return None  # as usual
    return dialect.connect(f"{Path(arguments[0]).as_uri()}?mode=rw", *arguments[1:], uri=True, **options)
