"""API keys made over HTTP, and the machines that use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

KEYS = "/api/ai_agent_api_keys"

Headers = Callable[[str], dict[str, str]]


def as_api_key(token: str) -> dict[str, str]:
    return {"X-API-Key": token}


def as_bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Machine:
    """A client with an API key."""

    def __init__(self, app: Flask, token: str, headers: Headers = as_api_key) -> None:
        self._client, self._headers = app.test_client(), headers(token)

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        return self._client.open(path, method=method, json=body, headers=self._headers)


def made(maker: Any, **body: Any) -> dict[str, Any]:
    """A new key, by a client of the cast or a machine."""
    body = {"name": "machine"} | body
    answer = maker("POST", KEYS, body) if isinstance(maker, Machine) else maker.post(KEYS, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json


def works(app: Flask, key: dict[str, Any]) -> bool:
    """Whether a key still opens anything."""
    return Machine(app, key["token"])("GET", "/api/ai_agents").status_code == 200
