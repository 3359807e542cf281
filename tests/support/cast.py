"""The cast of every test: alice and bob of acme, charlie of globex, root of the operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask

from flask_aiagents import Principal, Role
from flask_aiagents.testing import client_as

ALICE = Principal("alice", "acme", Role.TENANT_ADMIN)
BOB = Principal("bob", "acme", Role.USER)
CHARLIE = Principal("charlie", "globex", Role.TENANT_ADMIN)
ROOT = Principal("root", None, Role.SUPER_ADMIN)

OFFLINE = {"provider": "offline", "model": "offline"}
"""The model configuration that needs nothing."""


@dataclass(frozen=True, slots=True)
class Clients:
    """A test client for each of the cast, and one for nobody.

    Any for the type checker, to which a response's ``json`` may be None; a test that meets None fails.
    """

    alice: Any
    bob: Any
    charlie: Any
    root: Any
    nobody: Any

    @classmethod
    def of(cls, app: Flask) -> Clients:
        cast = {"alice": ALICE, "bob": BOB, "charlie": CHARLIE, "root": ROOT, "nobody": None}
        return cls(**{name: client_as(app, principal) for name, principal in cast.items()})


def make_agent(client: Any, name: str = "Helper", **fields: Any) -> dict[str, Any]:
    """Create an agent over HTTP and return it."""
    response = client.post("/api/ai_agents", json={"name": name, "model_config": OFFLINE} | fields)
    assert response.status_code == 201, response.text
    return response.json
