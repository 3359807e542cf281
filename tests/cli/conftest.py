from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from running import Mount
from support.hosts import close, make_host


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Further hosts, closed in the end."""
    apps: list[Flask] = []

    def make(uri: str, **options: Any) -> Flask:
        apps.append(make_host(uri, **options))
        return apps[-1]

    yield make
    for app in apps:
        close(app)
