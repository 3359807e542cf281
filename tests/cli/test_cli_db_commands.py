from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate.cli import db as flask_migrate
from running import Mount, run

from flask_aiagents.core import migrate


@pytest.fixture
def empty(database_uri: str, mount: Mount) -> Flask:
    """A host without our tables, on each kind of database."""
    return mount(database_uri, migrated=False)


@pytest.fixture
def app(tmp_path: Path, mount: Mount) -> Flask:
    """A host with our tables, on SQLite."""
    return mount(f"sqlite:///{tmp_path}/host.db")


def _tables(app: Flask) -> set[str]:
    return set(sa.inspect(app.extensions["aiagents"].database.engine).get_table_names())


def test_sql_shows_the_statements_and_changes_nothing(empty: Flask) -> None:
    """--sql prints what an upgrade would run, and leaves the database empty; MariaDB, which cannot, refuses."""
    done = run(empty, "db", "upgrade", "--sql")
    assert _tables(empty) == set()
    if empty.extensions["aiagents"].database.engine.dialect.name == "mysql":
        assert done.exit_code == 1
        assert "copy of the database" in done.output
        return
    assert done.exit_code == 0, done.output
    assert re.search(r"CREATE TABLE (IF NOT EXISTS )?ai_agents ", done.output)
    assert "INSERT INTO aiagents_alembic_version" in done.output
    assert run(empty, "db", "upgrade").exit_code == 0


def test_revisions_are_listed_and_shown(app: Flask) -> None:
    """history, heads, show and current print what Flask-Migrate's users know."""
    head = migrate.head()
    assert f"{head} (head)" in run(app, "db", "heads").output
    assert f"{head} (head)" in run(app, "db", "current").output
    history = run(app, "db", "history", "--indicate-current").output
    assert "<base> -> 0001" in history
    assert "(current)" in history
    assert run(app, "db", "history", "-r", "0001:0002").output.count("->") == 2
    assert "Rev: 0002" in run(app, "db", "show", "0002").output


def test_stamp_records_a_revision_without_touching_tables(app: Flask) -> None:
    """A database whose recorded revision was lost is stamped with the one that its tables have."""
    before = _tables(app)
    with app.extensions["aiagents"].database.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM aiagents_alembic_version"))
    assert run(app, "db", "stamp", "head").exit_code == 0
    assert f"{migrate.head()} (head)" in run(app, "db", "current").output
    assert _tables(app) == before


def test_an_unknown_revision_is_a_sentence(app: Flask) -> None:
    """A mistyped revision names the command that lists them."""
    for command in ("upgrade", "downgrade", "stamp", "show"):
        done = run(app, "db", command, "nonsense")
        assert done.exit_code == 1, command
        assert "flask aiagents db history" in done.output, command
        assert "Traceback" not in done.output


def test_options_are_those_of_flask_migrate(app: Flask) -> None:
    """Each command has Flask-Migrate's name and options, without those for a host's own environment."""
    assert run(app, "db", "--help").exit_code == 0
    for name in ("upgrade", "downgrade", "current", "check", "history", "heads", "show", "stamp"):
        text = run(app, "db", name, "--help").output
        for option in flask_migrate.commands[name].params:
            if option.name not in ("directory", "x_arg", "tag") and option.opts[0].startswith("-"):
                assert option.opts[-1] in text, (name, option.opts)
