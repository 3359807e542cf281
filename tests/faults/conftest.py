from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import System, make_tenants, served
from support.hosts import ENCRYPTION_KEY, close, make_host
from upstream import Upstream


@pytest.fixture
def system(tmp_path: Path, upstream: Upstream) -> Iterator[System]:
    """A served host on SQLite whose agents ask the upstream."""
    uri = f"sqlite:///{tmp_path}/served.db"
    app = make_host(uri)
    acme, globex = make_tenants(app, upstream.base_url)
    with served(tmp_path, uri, ENCRYPTION_KEY, threads=256) as server:
        yield System(app, server, acme, globex)
    close(app)
