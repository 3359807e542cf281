"""A host under load whose agents ask the upstream."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from flask import Flask
from support.cast import Clients, make_agent
from support.gunicorn import Served, gunicorn

from flask_aiagents.core.clock import utcnow

MODULE = """
from flask import jsonify
from support.hosts import make_host

LIMITS = ("AIAGENTS_MAX_RUNNING", "AIAGENTS_MAX_RUNNING_PER_TENANT", "AIAGENTS_MAX_RUNNING_PER_USER")

app = make_host(
    {uri!r},
    migrated=False,
    AIAGENTS_ENCRYPTION_KEYS={key!r},
    AIAGENTS_MAX_RETRIES=1,
    **dict.fromkeys(LIMITS, 0),  # faults come in crowds of one user's calls
)

@app.get("/pool")
def pool():
    return jsonify(app.extensions["aiagents"].database.engine.pool.checkedout())
"""


def served(folder: Path, uri: str, key: str, threads: int = 64) -> AbstractContextManager[Served]:
    """A host without limits on what runs at once."""
    return gunicorn(folder, MODULE.format(uri=uri, key=key), threads)


@dataclass(frozen=True, slots=True)
class Tenant:
    """An admin of a tenant, here; its agent and its key, for use over the wire."""

    admin: Any
    agent_id: str
    key: str

    def logs(self) -> list[dict[str, Any]]:
        return self.admin.get("/api/ai_agent_activity_logs?action=eq.execute&limit=200").json


@dataclass(frozen=True, slots=True)
class System:
    """A served host, and the same database seen from here."""

    app: Flask
    server: Served
    acme: Tenant
    globex: Tenant

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self.server.url.rsplit(":", 1)[1])

    def execute_url(self, tenant: Tenant) -> str:
        return f"{self.server.url}/api/ai_agents/{tenant.agent_id}/execute"

    def execute(self, tenant: Tenant, text: str = "hi", session: Any = requests, **options: Any) -> Any:
        """Ask a tenant's agent; ``stream=True`` reads its events."""
        headers = {"X-API-Key": tenant.key}
        if options.get("stream"):
            headers["Accept"] = "text/event-stream"
        options = {"timeout": 60} | options
        return session.post(self.execute_url(tenant), json={"input": text}, headers=headers, **options)

    def open_stream(self, tenant: Tenant) -> socket.socket:
        """Ask for a stream and read nothing of it."""
        head = (
            f"POST /api/ai_agents/{tenant.agent_id}/execute HTTP/1.1\r\nHost: x\r\nX-API-Key: {tenant.key}\r\n"
            "Accept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
            '{"input": "hi"}'
        )
        reader = socket.create_connection(self.address, 30)
        reader.sendall(head.encode())
        return reader

    def end_expired(self) -> int:
        """What maintenance does once every lease is over."""
        return self.app.extensions["aiagents"].running.end_expired(utcnow() + timedelta(minutes=5))


def make_tenant(admin: Any, base_url: str, timeout_s: int = 60) -> Tenant:
    """An agent on gpt-4o-mini, and a key."""
    model = {"provider": "openai", "model": "gpt-4o-mini", "base_url": base_url, "timeout_s": timeout_s}
    agent_id = make_agent(admin, f"Within {timeout_s} s", model_config=model)["id"]
    admin.put(f"/api/ai_agents/{agent_id}/credential", json={"api_key": "sk-12345678"})
    return Tenant(admin, agent_id, admin.post("/api/ai_agent_api_keys", json={"name": "load"}).json["token"])


def make_tenants(app: Flask, base_url: str) -> tuple[Tenant, Tenant]:
    """acme and globex."""
    clients = Clients.of(app)
    return make_tenant(clients.alice, base_url), make_tenant(clients.charlie, base_url)


def wait_for(what: Callable[[], object], seconds: float = 15) -> None:
    """Wait until it is so."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come to it in time"
        time.sleep(0.05)
