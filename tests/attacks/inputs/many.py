"""Rows by the thousand that an admin may create: ``(name, path, value)``."""

from __future__ import annotations

import secrets
from typing import Any

OFFLINE = {"provider": "offline", "model": "offline"}


def _with(**config: Any) -> dict[str, Any]:
    return OFFLINE | config


def _agents(number: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"name": f"Many {secrets.token_hex(8)}", "model_config": OFFLINE} | fields for _ in range(number)]


MANY: tuple[tuple[str, str, Any], ...] = (
    ("a key", "/ai_agent_api_keys", {"name": "one more"}),
    ("a key for an invented user", "/ai_agent_api_keys", {"name": "x", "user_id": "nobody"}),
    ("a key with a long name", "/ai_agent_api_keys", {"name": "x" * 100_000}),
    ("an agent of a name that is taken", "/ai_agents", {"name": "Offline", "model_config": OFFLINE}),
    ("a hundred agents", "/ai_agents", _agents(100)),
    ("a thousand agents", "/ai_agents", _agents(1_000)),
    (
        "agents with long prompts",
        "/ai_agents",
        _agents(30, model_config=_with(system_prompt="x" * 30_000)),
    ),
    ("agents with long descriptions", "/ai_agents", _agents(80, description="x" * 10_000)),
    ("an agent with many stops", "/ai_agents", _agents(1, model_config=_with(stop=["x"] * 10_000))),
    (
        "an agent with many fallbacks",
        "/ai_agents",
        _agents(1, model_config=_with(fallbacks=[OFFLINE] * 10_000)),
    ),
    ("an agent with many capabilities", "/ai_agents", _agents(1, capabilities=["chat"] * 50_000)),
    ("an agent with unknown fields", "/ai_agents", {f"field{n}": n for n in range(50_000)}),
)
