"""The fixture; named in tests/conftest.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .server import Upstream


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A provider on loopback that answers every request properly until it is told otherwise."""
    with Upstream() as server:
        yield server
