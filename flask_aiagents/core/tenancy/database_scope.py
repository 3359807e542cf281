"""Settings of a transaction in the database itself: its scope, for row-level security, and its time limit."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from ..statement_timeout import StatementLimit
from .scope import Scope

_SET_SCOPE = (
    "SELECT set_config('aiagents.tenant_id', :tenant, true), set_config('aiagents.scope', :scope, true),"
    " set_config('aiagents.user_id', :user, true),"
    # The planner takes row-level security to hide nearly all rows, and then starts workers to find twenty.
    " set_config('max_parallel_workers_per_gather', '0', true)"
)
_SET_SCOPE_AND_LIMIT = f"{_SET_SCOPE}, set_config('statement_timeout', :limit, true)"


def tell_database(connection: sa.Connection, scope: Scope, limit: StatementLimit | None) -> None:
    """Set the scope and the time limit of statements for the rest of the transaction."""
    if connection.dialect.name == "postgresql":
        settings = _settings(scope) if limit is None else _settings(scope) | {"limit": limit.milliseconds}
        text, names = _driver_text(_SET_SCOPE if limit is None else _SET_SCOPE_AND_LIMIT, connection.dialect)
        # This runs for each transaction, and SQLAlchemy's own way costs as much as the database's part.
        connection.exec_driver_sql(text, tuple(settings[name] for name in names) if names else settings)
    elif limit is not None:
        limit.apply(connection)


def _settings(scope: Scope) -> dict[str, str]:
    kind = "system" if scope.system else "tenant" if scope.user_id is None else "user"
    return {"tenant": scope.tenant_id or "", "scope": kind, "user": scope.user_id or ""}


@lru_cache(maxsize=16)
def _driver_text(text: str, dialect: Dialect) -> tuple[str, tuple[str, ...]]:
    """A text as the driver takes it, and the names of its parameters if the driver takes them by position."""
    compiled: Any = sa.text(text).compile(dialect=dialect)
    return str(compiled), tuple(compiled.positiontup or ())
