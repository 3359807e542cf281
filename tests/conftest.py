from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from support.cast import Clients
from support.hosts import close, make_host

pytest_plugins = ["upstream.plugin", "support.databases", "support.live", "support.browser"]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Flask]:
    """A host on SQLite."""
    app = make_host(f"sqlite:///{tmp_path}/host.db")
    yield app
    close(app)


@pytest.fixture
def any_host(database_uri: str) -> Iterator[Flask]:
    """A host on each kind of database."""
    app = make_host(database_uri)
    yield app
    close(app)


@pytest.fixture
def clients(host: Flask) -> Clients:
    """The cast, on SQLite."""
    return Clients.of(host)


@pytest.fixture
def any_clients(any_host: Flask) -> Clients:
    """The cast, on each kind of database."""
    return Clients.of(any_host)
