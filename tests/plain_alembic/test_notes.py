"""The host's own tests, which must not notice us, and its use of agents."""

from __future__ import annotations

from typing import Any

from flask import Flask

OFFLINE = {"provider": "offline", "model": "offline"}


def _member(notes: Flask, name: str, team: str) -> Any:
    client = notes.test_client()
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    client.post("/login", data={"name": name, "team": team, "role": "tenant_admin"})
    return client


def test_a_team_sees_its_own_notes(notes: Flask) -> None:
    """Notes are kept in the host's table, one team's apart from the other's."""
    ann, zoe = _member(notes, "ann", "red"), _member(notes, "zoe", "blue")
    assert ann.post("/notes", data={"text": "Buy paint"}).status_code == 201
    assert ann.get("/notes").json == ["Buy paint"]
    assert zoe.get("/notes").json == []


def test_a_team_runs_an_agent_beside_its_notes(notes: Flask) -> None:
    """The mounted routes serve the host's session; another team does not see the agent."""
    ann, zoe = _member(notes, "ann", "red"), _member(notes, "zoe", "blue")
    agent = ann.post("/api/ai_agents", json={"name": "Painter", "model_config": OFFLINE}).json
    answer = ann.post(f"/api/ai_agents/{agent['id']}/execute", json={"input": "Which colour?"})
    assert answer.status_code == 200
    assert ann.get("/aiagents/agents/").status_code == 200
    assert zoe.get(f"/api/ai_agents/{agent['id']}").status_code == 404
