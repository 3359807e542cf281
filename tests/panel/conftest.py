from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support.cast import ALICE, BOB, CHARLIE, ROOT

from flask_aiagents import Principal
from flask_aiagents.testing import client_as

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


class PanelClient:
    """Somebody at the panel: follows the rules of its forms, as a browser does."""

    def __init__(self, client: FlaskClient) -> None:
        self.http = client

    def get(self, path: str, **options: Any) -> Any:
        """A page, by its path below the panel's URL."""
        return self.http.get(f"/aiagents{path}", **options)

    def token(self) -> str:
        """The token of this session's forms."""
        return csrf_of(self.get("/agents/").text)

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
        """Send a form of the panel, with its token."""
        headers = SAME_ORIGIN | options.pop("headers", {})
        form = {"csrf_token": self.token()} | (data or {})
        return self.http.post(f"/aiagents{path}", data=form, headers=headers, **options)

    def htmx(self, path: str, data: dict[str, Any] | None = None) -> Any:
        """Send a form as the script of an open page does."""
        return self.post(path, data, headers={"HX-Request": "true"})


def csrf_of(page: str) -> str:
    """The token in a page."""
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found, page[:500]
    return found[1]


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
