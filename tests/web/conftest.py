from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from web_toy import toy, toy_engine, toy_host


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    """Ten toys on SQLite."""
    engine = toy_engine(f"sqlite:///{tmp_path}/toys.db", *(toy(number) for number in range(10)))
    yield engine
    engine.dispose()


@pytest.fixture
def toys(engine: sa.Engine) -> Flask:
    """A host with our toys."""
    return toy_host(engine)


@pytest.fixture
def client(toys: Flask) -> FlaskClient:
    """A client of that host."""
    return toys.test_client()
