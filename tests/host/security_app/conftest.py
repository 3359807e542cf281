"""The library's application, alone and with us mounted; its tests do not know which."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from library import create_app
from mounted import with_us
from reading import Visitor
from support.hosts import close


@pytest.fixture(scope="module", params=["alone", "with us"])
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The library, once for each way and module."""
    app = create_app(f"sqlite:///{tmp_path_factory.mktemp('library')}/library.db")
    if request.param == "alone":
        yield app
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()
    else:
        yield with_us(app)
        close(app)


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Somebody with a browser."""
    return Visitor(app.test_client())
