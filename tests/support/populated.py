"""A tenant's daily life in a database: agents of every kind, runs that went well and badly, keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import Flask

from flask_aiagents import Principal, Role
from flask_aiagents.core.clock import utcnow

from .cast import ALICE, CHARLIE, Clients, make_agent
from .logs import begin, execution


@dataclass(frozen=True, slots=True)
class Texts:
    """What people, models and tools wrote; a test may put something hostile in the place of each."""

    name: str = "Order desk"
    text: str = "Knows where parcels are."
    user: str = "bob"


def populate(app: Flask, texts: Texts | None = None) -> dict[str, Any]:
    """Fill a host's tables for acme, globex and all; returns the agents by what they are."""
    texts = texts or Texts()
    clients = Clients.of(app)
    agents = _agents(clients, texts)
    _keys(clients, agents["desk"]["id"], texts)
    _runs(app, agents, texts)
    _posted(clients, agents["desk"]["id"], texts)
    return agents


def _agents(clients: Clients, texts: Texts) -> dict[str, Any]:
    model = {"provider": "openai", "model": f"gpt-4o-mini{texts.name if texts.name != Texts.name else ''}"}
    model |= {"system_prompt": texts.text, "stop": [texts.name]}
    desk = make_agent(
        clients.alice, texts.name, description=texts.text, model_config=model, capabilities=["chat", "planning"]
    )
    clients.alice.patch(f"/api/ai_agents/{desk['id']}", json={"description": f"{texts.text} And more."})
    return {
        "desk": desk,
        "writer": make_agent(clients.alice, f"Writer {texts.name}", status="inactive", agent_type="writer"),
        "shared": make_agent(clients.root, f"Helper {texts.name}", description=texts.text),
        "adviser": make_agent(clients.charlie, f"Adviser {texts.name}"),
    }


def _keys(clients: Clients, agent_id: str, texts: Texts) -> None:
    overrides = {"configuration": {"system_prompt": texts.text, "temperature": 0.1}, "is_active": True}
    key = {"name": texts.name, "role": "user", "user_id": texts.user}
    for answer in (
        clients.alice.put(f"/api/ai_agents/{agent_id}/configuration", json=overrides),
        clients.alice.put(f"/api/ai_agents/{agent_id}/credential", json={"api_key": "sk-canary-12345678"}),
        clients.alice.post("/api/ai_agent_api_keys", json=key),
        clients.charlie.post("/api/ai_agent_api_keys", json={"name": "Globex till"}),
    ):
        assert answer.status_code in (200, 201), answer.text


def _runs(app: Flask, agents: dict[str, Any], texts: Texts) -> None:
    user, desk, now = Principal(texts.user, "acme", Role.USER), agents["desk"], utcnow()
    said = {"request_data": {"input": texts.text}, "agent_name": desk["name"]}
    call = {"id": "1", "name": "order_status", "arguments": {texts.name: texts.text}, "result": texts.text}
    answer = {"output": texts.text, "tool_calls": [call | {"error": None, "duration_ms": 3}]}
    for days in range(6):
        at = now - timedelta(days=days, hours=1)
        execution(app, desk["id"], principal=user, at=at, response_data=answer, attempts=[_attempt(texts)])
        execution(app, agents["shared"]["id"], principal=CHARLIE, at=at, cost_usd=Decimal("0.02"))
    for minutes, end in enumerate(_bad_ends(texts), 1):
        execution(app, desk["id"], principal=ALICE, at=now - timedelta(minutes=minutes), **end)
    begin(app, desk["id"], principal=user, **said)


def _attempt(texts: Texts) -> dict[str, Any]:
    told = {"provider": "openai", "model": texts.name, "duration_ms": 80, "usage": None, "cost_usd": None}
    return told | {"error": "upstream", "estimated": False}


def _bad_ends(texts: Texts) -> list[dict[str, Any]]:
    lost = {"message": texts.text, "output": None}
    return [
        {"status": "error", "error": "upstream", "response_data": lost, "attempts": [_attempt(texts)]},
        {"status": "timeout", "error": "timeout", "response_data": None, "cost_usd": None},
        {"status": "cancelled", "error": None, "unpriced": True, "cost_usd": None},
    ]


def _posted(clients: Clients, agent_id: str, texts: Texts) -> None:
    """What a client says of itself, where every word is its own."""
    words = dict.fromkeys(("provider", "finish_reason", "error"), texts.name[:64])
    log = {"agent_id": agent_id, "action": "looked_up", "status": "error", "model": texts.text[:255], **words}
    data = {"request_data": {texts.name: texts.text}, "response_data": [texts.text, {"html": texts.name}]}
    answer = clients.alice.post("/api/ai_agent_activity_logs", json=log | data)
    assert answer.status_code == 201, answer.text
