"""Foreign keys of SQLite: enforced while we use a connection, and then as the host had them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import SessionTransaction

from .tenancy import TenantSession


def enforce(_: TenantSession, __: SessionTransaction, connection: sa.Connection) -> None:
    """Switch them on when a session begins a transaction."""
    raw = connection.connection
    if not raw.cursor().execute("PRAGMA foreign_keys").fetchone()[0]:  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]
        raw.cursor().execute("PRAGMA foreign_keys = ON")
        connection.info["aiagents_foreign_keys"] = True


def restore(dbapi_connection: Any, record: Any) -> None:
    """Put a connection back as it was, when it returns to its pool."""
    if dbapi_connection is not None and record.info.pop("aiagents_foreign_keys", False):
        dbapi_connection.execute("PRAGMA foreign_keys = OFF")
