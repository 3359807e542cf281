from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from support.cast import ALICE, BOB, CHARLIE, ROOT
from support.panel import PanelClient

from flask_aiagents import Principal
from flask_aiagents.testing import client_as


@pytest.fixture
def panel(host: Flask) -> Callable[[Principal], PanelClient]:
    """The panel of a host on SQLite, for somebody."""
    return lambda principal: PanelClient(client_as(host, principal))


@pytest.fixture
def alice(panel: Callable[[Principal], PanelClient]) -> PanelClient:
    """The panel as the tenant's admin sees it."""
    return panel(ALICE)


@pytest.fixture
def bob(panel: Callable[[Principal], PanelClient]) -> PanelClient:
    """The panel as a user of the same tenant sees it."""
    return panel(BOB)


@pytest.fixture
def charlie(panel: Callable[[Principal], PanelClient]) -> PanelClient:
    """The panel as another tenant's admin sees it."""
    return panel(CHARLIE)


@pytest.fixture
def root(panel: Callable[[Principal], PanelClient]) -> PanelClient:
    """The panel as the operator sees it."""
    return panel(ROOT)
