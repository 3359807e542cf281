from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from notes_running import Alembic

from flask_aiagents.core.columns import Base
from flask_aiagents_alembic import is_ours

VARIANTS = [
    pytest.param((), id="models only"),
    pytest.param(("-x", "app=1"), id="with the app", marks=pytest.mark.slow),
    pytest.param(("-x", "schemas=1"), id="all schemas", marks=pytest.mark.slow),
    pytest.param(("-x", "app=1", "-x", "plugins=1"), id="own list of plugins", marks=pytest.mark.slow),
]

NEW_TABLE = """

class Tag(Base):
    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(primary_key=True)
"""


@pytest.mark.requirement("R54")
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.usefixtures("notes")
def test_alembic_check_does_not_see_our_tables(alembic: Alembic, variant: tuple[str, ...]) -> None:
    """`alembic check` of the host finds no difference although its metadata lacks our tables and partitions."""
    done = alembic(*variant, "check")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.requirement("R54")
def test_autogenerate_finds_the_hosts_own_changes_only(
    alembic: Alembic, copy: Path, notes: Flask, uri: str
) -> None:
    """A new model and a table without a model are in the revision, our tables are not; it upgrades."""
    with (copy / "notes_models.py").open("a") as models:
        models.write(NEW_TABLE)
    with sa.create_engine(uri, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.text("CREATE TABLE old_notes (id INTEGER)"))
        connection.execute(sa.text("CREATE TABLE ai_notes (id INTEGER)"))
    made = alembic("revision", "--autogenerate", "-m", "tags", "--rev-id", "0002")
    assert made.returncode == 0, made.stderr
    script = (copy / "migrations/versions/0002_tags.py").read_text()
    assert "create_table('tags'" in script
    assert "drop_table('old_notes')" in script
    assert "drop_table('ai_notes')" in script
    assert "ai_agent" not in script
    assert "aiagents" not in script
    assert alembic("upgrade", "head").returncode == 0
    assert notes.test_cli_runner().invoke(args=["aiagents", "db", "check"]).exit_code == 0


def test_all_our_tables_have_names_that_the_plugin_knows() -> None:
    """The plugin does not import the package, so the names of all our tables follow its rule."""
    assert [name for name in Base.metadata.tables if not is_ours(name)] == []
