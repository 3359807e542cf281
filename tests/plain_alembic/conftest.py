from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from notes_app import create_app
from notes_running import Alembic
from support.databases import fresh
from support.hosts import close

from flask_aiagents.core.migrate import upgrade

HERE = Path(__file__).parent


@pytest.fixture(params=["sqlite", "postgresql"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database for the host."""
    with fresh(request.param, tmp_path) as uri:
        yield uri


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The host's files, for a test to change."""
    return shutil.copytree(HERE, tmp_path / "notes", ignore=shutil.ignore_patterns("__pycache__", "test_*"))


@pytest.fixture
def alembic(copy: Path, uri: str) -> Alembic:
    """Runs ``alembic ...`` of the host in a process of its own."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "alembic", "-c", str(copy / "alembic.ini"), *arguments]
        environ = os.environ | {"NOTES_DATABASE_URI": uri}
        return subprocess.run(command, env=environ, cwd=copy, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def notes(alembic: Alembic, uri: str) -> Iterator[Flask]:
    """The host, set up as its README would say: its migrations and ours."""
    done = alembic("upgrade", "head")
    assert done.returncode == 0, done.stderr
    app = create_app(uri)
    upgrade(app.extensions["aiagents"].database)
    yield app
    close(app)
