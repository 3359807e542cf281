from __future__ import annotations

from collections.abc import Iterator

import pytest
from attacks.arena import Arena, arena
from support.databases import fresh


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def battle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """A server of two tenants, on each kind of database; all attacks hit the same one."""
    folder = tmp_path_factory.mktemp("arena")
    with fresh(request.param, folder) as uri, arena(folder, uri) as made:
        yield made
