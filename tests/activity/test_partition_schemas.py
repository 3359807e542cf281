"""The functions that make and drop the log's months on PostgreSQL have their owner's rights, for nothing else."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
import sqlalchemy as sa
from flask import Flask
from support.databases import Roles, run_sql
from support.hosts import close, make_host
from support.partitions import make_past_months, partitions, unmake_months
from support.usage import ask, counted, exact, past, roll_up, write

from flask_aiagents.core import migrate
from flask_aiagents.core.clock import utcnow
from flask_aiagents.features.activity.partitions import drop_before, extend
from flask_aiagents.features.analytics.period import Period

DAY = timedelta(days=1)

GAINED = "CREATE TABLE IF NOT EXISTS public.gained AS SELECT current_user"


def make_and_drop(app: Flask, postgres: Roles) -> None:
    """All that the two functions do, with logs before the months, in them, and after them."""
    write(app, logs := past(utcnow(), 200, 200))
    roll_up(app)
    with app.app_context():
        database = app.extensions["aiagents"].database
        assert drop_before(database, utcnow() - 70 * DAY) > 1
        assert extend(database) > 0
        assert extend(database) == 0
    assert exact(ask(app, "summary", Period.recent("220d"))) == counted(logs)
    assert partitions(postgres.app)[0] == "earlier"


def test_planted_functions_gain_nothing(postgres: Roles) -> None:
    """A role that may create in our schema plants what PostgreSQL prefers to its own functions, in vain."""
    run_sql(postgres.owner, "GRANT CREATE ON SCHEMA public TO public")
    app = make_host(postgres.app, AIAGENTS_MIGRATION_URI=postgres.owner)
    unmake_months(postgres.owner)
    make_past_months(postgres.owner, utcnow() - 150 * DAY)
    for count in range(1, 4):
        for types in product(("text", "uuid"), repeat=count):
            run_sql(
                postgres.app,
                f"CREATE FUNCTION public.format(text, {', '.join(types)}) RETURNS text LANGUAGE sql "
                f"AS $$ SELECT '{GAINED}' $$",
            )
    make_and_drop(app, postgres)
    assert not sa.inspect(app.extensions["aiagents"].database.engine).has_table("gained", "public")
    close(app)


@pytest.mark.parametrize("schema", ["Agents", 'it\'s 100%s "ours"', "select"])
def test_a_schema_may_have_any_name(postgres: Roles, schema: str) -> None:
    """Upper case, quotes, percent signs, SQL's own words: months are made and dropped all the same."""
    quoted = '"' + schema.replace('"', '""') + '"'
    run_sql(postgres.admin, f"CREATE SCHEMA {quoted}", f"GRANT CREATE, USAGE ON SCHEMA {quoted} TO public")
    for uri in (postgres.app, postgres.owner):
        run_sql(postgres.admin, f"ALTER ROLE {sa.make_url(uri).username} SET search_path = {quoted}")
    app = make_host(postgres.app, AIAGENTS_MIGRATION_URI=postgres.owner)
    unmake_months(postgres.owner)
    make_past_months(postgres.owner, utcnow() - 150 * DAY)
    make_and_drop(app, postgres)
    assert migrate.check(app.extensions["aiagents"].database) == []
    migrate.downgrade(app.extensions["aiagents"].database, "base")
    close(app)
