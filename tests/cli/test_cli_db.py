from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from running import Mount, run


@pytest.fixture
def empty(database_uri: str, mount: Mount) -> Flask:
    """A host without our tables, on each kind of database."""
    return mount(database_uri, migrated=False)


def test_upgrade_makes_the_tables_and_may_be_repeated(empty: Flask) -> None:
    """The first run creates, the second changes nothing, check finds no difference."""
    assert "there are no tables" in run(empty, "db", "current").output
    first, second = run(empty, "db", "upgrade"), run(empty, "db", "upgrade")
    assert first.exit_code == second.exit_code == 0
    assert first.output == second.output
    assert run(empty, "db", "check").exit_code == 0


def test_downgrade_takes_minus_one_for_a_revision(empty: Flask) -> None:
    """'-1' is a step back and no option; upgrade goes forward again."""
    run(empty, "db", "upgrade")
    assert run(empty, "db", "downgrade", "-1").exit_code == 0
    assert run(empty, "db", "upgrade").exit_code == 0
    assert run(empty, "db", "downgrade", "base").exit_code == 0
    assert "there are no tables" in run(empty, "db", "current").output


def test_check_names_what_was_altered_by_hand(empty: Flask) -> None:
    """A dropped column is named, and the exit code is 1."""
    run(empty, "db", "upgrade")
    with empty.app_context(), empty.extensions["aiagents"].database.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE ai_agents DROP COLUMN description"))
    result = run(empty, "db", "check")
    assert result.exit_code == 1
    assert "description" in result.output


def test_a_command_without_tables_says_what_to_run(empty: Flask) -> None:
    """A missing table is a sentence that names the doctor, not a traceback."""
    result = run(empty, "keys", "list")
    assert result.exit_code == 1
    assert "flask aiagents doctor" in result.output
    assert "Traceback" not in result.output
