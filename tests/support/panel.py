"""Somebody at the panel."""

from __future__ import annotations

import re
from typing import Any

from flask.testing import FlaskClient

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


def filed(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the API with the fields that a table's file has for what clients reported."""
    return row | {f"client_{name}": value for name, value in row.get("client_reported", {}).items()}
