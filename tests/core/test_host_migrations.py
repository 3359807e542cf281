from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import Migrate, migrate, stamp
from flask_migrate import init as init_folder
from flask_sqlalchemy import SQLAlchemy
from support.hosts import ENCRYPTION_KEY

from flask_aiagents import AIAgents
from flask_aiagents.core.migrate import upgrade

# Of the env.py that Flask-Migrate writes.
pytestmark = pytest.mark.filterwarnings("ignore:'get_engine' is deprecated:DeprecationWarning")


def _host(database_uri: str, folder: Path, *, migrate_first: bool, **options: Any) -> Flask:
    app = Flask("migrating_host")
    app.config.update(SQLALCHEMY_DATABASE_URI=database_uri, AIAGENTS_ENCRYPTION_KEYS=ENCRYPTION_KEY)
    db = SQLAlchemy(app)
    sa.Table("hosts_own", db.metadata, sa.Column("id", sa.Integer, primary_key=True))
    if migrate_first:
        Migrate(app, db, directory=str(folder), **options)
        AIAgents(app, db)
    else:
        AIAgents(app, db)
        with app.app_context():
            pass  # a context before Migrate is there
        Migrate(app, db, directory=str(folder), **options)
    return app


def _autogenerate(app: Flask, folder: Path) -> str:
    with app.app_context():
        upgrade(app.extensions["aiagents"].database)
        with app.extensions["aiagents"].database.engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE hosts_old (id INTEGER)"))
        init_folder(str(folder))
        environment = folder / "env.py"  # it would switch off the loggers that other tests read
        environment.write_text(environment.read_text().replace("fileConfig(config.config_file_name)", ""))
        stamp(str(folder))
        migrate(str(folder))
        app.extensions["aiagents"].database.engine.dispose()
    return next((folder / "versions").glob("*.py")).read_text()


@pytest.mark.requirement("R54")
@pytest.mark.parametrize("migrate_first", [True, False])
def test_the_hosts_migrations_never_see_our_tables(database_uri: str, tmp_path: Path, migrate_first: bool) -> None:
    """The host's `flask db migrate` finds its own changes and not one of our tables, whoever was set up first."""
    folder = tmp_path / "migrations"
    script = _autogenerate(_host(database_uri, folder, migrate_first=migrate_first), folder)
    assert "create_table('hosts_own'" in script
    assert "drop_table('hosts_old'" in script
    assert "ai_agent" not in script
    assert "aiagents" not in script


def test_the_hosts_own_filter_still_counts(database_uri: str, tmp_path: Path) -> None:
    """What the host's include_object hides stays hidden."""

    def include(_item: object, name: str | None, *_: object) -> bool:
        return name != "hosts_old"

    folder = tmp_path / "migrations"
    script = _autogenerate(_host(database_uri, folder, migrate_first=True, include_object=include), folder)
    assert "create_table('hosts_own'" in script
    assert "hosts_old" not in script
    assert "ai_agent" not in script
