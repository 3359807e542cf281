"""A visitor of the library, who fills in its forms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from library import PASSWORD


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser on the library's pages."""

    client: FlaskClient

    def submit(self, path: str, **fields: str) -> Any:
        """Open a page and send its form."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.client.get(path).text)
        assert found, path
        return self.client.post(path, data=fields | {"csrf_token": found[1]})

    def log_in(self, name: str = "reader", password: str = PASSWORD) -> Any:
        """Send the login form."""
        return self.submit("/login", email=f"{name}@example.org", password=password, remember="y")

    def token(self, name: str = "reader") -> dict[str, str]:
        """Ask for an authentication token; its header."""
        page: Any = self.client.get("/login", headers={"Accept": "application/json"}, json={}).json
        body = {"email": f"{name}@example.org", "password": PASSWORD, "csrf_token": page["response"]["csrf_token"]}
        answer: Any = self.client.post("/login?include_auth_token", json=body).json
        return {"Authentication-Token": answer["response"]["user"]["authentication_token"]}

    def greeting(self) -> str:
        """The heading of the home page."""
        return self.client.get("/").text.removeprefix("<h1>Welcome, ").removesuffix("</h1>")
