"""What a database holds, to see that nothing changed it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Flask


def snapshot(app: Flask) -> dict[str, list[str]]:
    """Every row of every table."""
    engine: sa.Engine = app.extensions["aiagents"].database.engine
    with engine.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
        return {table: sorted(map(repr, _rows(connection, table))) for table in tables}


def _rows(connection: sa.Connection, table: str) -> Any:
    return connection.execute(sa.select(sa.text("*")).select_from(sa.table(table)))
