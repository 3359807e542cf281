from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from support.databases import fresh

from example_app import create_app
from example_app.models import Base, db


@pytest.fixture(params=["sqlite", "postgresql"])
def example(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Flask]:
    """The example on an empty database, without its past."""
    monkeypatch.setenv("EXAMPLE_INSTANCE", str(tmp_path))
    monkeypatch.setenv("EXAMPLE_PAST", "0")
    with fresh(request.param, tmp_path) as uri:
        monkeypatch.setenv("AIAGENTS_DATABASE_URI", uri)
        app = create_app()
        yield app
        app.extensions["aiagents"].database.engine.dispose()


def _run(app: Flask, *command: str) -> str:
    result = app.test_cli_runner().invoke(args=command)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.requirement("R54")
def test_both_sets_of_migrations_stay_clean(example: Flask) -> None:
    """After a deploy's two upgrades neither `flask db check` nor `flask aiagents db check` finds a difference."""
    _run(example, "db", "upgrade")
    _run(example, "aiagents", "db", "upgrade")
    _run(example, "db", "check")
    _run(example, "aiagents", "db", "check")
    _run(example, "db", "downgrade", "base")
    _run(example, "aiagents", "db", "check")


def test_a_database_of_an_older_example_still_starts(example: Flask) -> None:
    """Tables that were made without migrations are kept with their rows, and are migrated from then on."""
    with example.app_context():
        Base.metadata.create_all(db.engine)
        with db.engine.begin() as connection:
            connection.execute(sa.text("INSERT INTO tenants (id, name) VALUES ('old', 'Old customer')"))
    _run(example, "prepare")
    _run(example, "prepare")
    _run(example, "db", "check")
    with example.app_context(), db.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT name FROM tenants WHERE id = 'old'")) == "Old customer"


def test_own_pages_refuse_frames_and_foreign_scripts(example: Flask) -> None:
    """The example's pages send a policy, no framing and nosniff; the panel's stricter policy stays."""
    _run(example, "prepare")
    client = example.test_client()
    page = client.get("/login")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    client.post("/login", data={"username": "alice", "password": "alice-demo"})
    assert "unsafe-inline" in client.get("/admin/").headers["Content-Security-Policy"]
    assert "unsafe-inline" not in client.get("/admin/aiagents/agents/").headers["Content-Security-Policy"]
