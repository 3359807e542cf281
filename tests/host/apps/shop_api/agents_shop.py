"""What the shop gained: its customers have agents, by its own tokens."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from suite_shop import app, client, susan  # noqa: F401  # fixtures

AGENT = {"name": "Clerk", "model_config": {"provider": "offline", "model": "offline"}}


@pytest.fixture(autouse=True)
def tables(app: Flask) -> None:  # noqa: F811
    app.test_cli_runner().invoke(args=["aiagents", "db", "upgrade"], catch_exceptions=False)


def test_an_agent_runs_with_the_shops_token(client: Any, susan: dict[str, str]) -> None:  # noqa: F811
    made = client.post("/api/ai_agents", json=AGENT, headers=susan)
    assert made.status_code == 201, made.text
    answer = client.post(f"/api/ai_agents/{made.json['id']}/execute", json={"input": "Hi"}, headers=susan)
    assert answer.status_code == 200, answer.text
    assert client.get("/api/ai_agents", headers=susan).json[0]["name"] == "Clerk"


def test_errors_of_ours_have_our_form(client: Any, susan: dict[str, str]) -> None:  # noqa: F811
    assert client.get("/api/ai_agents").json["code"] == "unauthorized"
    assert client.get("/api/ai_agents/x", headers=susan).json["code"] == "not_found"


def test_requests_to_agents_are_counted_by_the_shop(client: Any, susan: dict[str, str]) -> None:  # noqa: F811
    for _ in range(2):
        assert client.get("/api/ai_agents", headers=susan).status_code == 200
    assert client.get("/api/me", headers=susan).json["requests"] == 3


def test_the_panel_has_a_place_of_its_own(client: Any, susan: dict[str, str]) -> None:  # noqa: F811
    refused = client.get("/aiagents/agents/")
    assert refused.status_code == 401
