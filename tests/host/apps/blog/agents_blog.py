"""What the blog gained: its users have agents, in its admin and over HTTP."""

from __future__ import annotations

import re
from typing import Any

import pytest
from blog import User, db
from flask import Flask
from suite_blog import app, client, send, susan  # noqa: F401  # fixtures

BROWSER = {"Sec-Fetch-Site": "same-origin"}
MODEL = {"provider": "offline", "model": "offline"}


@pytest.fixture
def author(app: Flask, susan: Any) -> Any:  # noqa: F811
    app.test_cli_runner().invoke(args=["aiagents", "db", "upgrade"], catch_exceptions=False)
    with app.app_context():
        db.session.scalars(db.select(User)).one().role = "tenant_admin"
        db.session.commit()
    return susan


def test_an_agent_runs_in_the_blogs_session(author: Any) -> None:
    agent = author.post("/api/ai_agents", json={"name": "Editor", "model_config": MODEL}, headers=BROWSER)
    assert agent.status_code == 201, agent.text
    answer = author.post(f"/api/ai_agents/{agent.json['id']}/execute", json={"input": "Hi"}, headers=BROWSER)
    assert answer.status_code == 200, answer.text
    assert author.get("/api/ai_agents").headers["X-Served-By"] == "blog"


def test_the_panel_is_in_the_blogs_admin(author: Any) -> None:
    assert "AI agents" in author.get("/admin/").text
    for path in ("agents", "dashboard", "activity", "keys", "playground"):
        assert author.get(f"/admin/aiagents/{path}/").status_code == 200, path
    german = author.get("/admin/aiagents/agents/", headers={"Accept-Language": "de"}).text
    assert re.search(r'<html lang="de">', german)
    assert "Agenten" in german


def test_forms_of_the_panel_keep_their_own_token(author: Any) -> None:
    page = author.get("/admin/aiagents/keys/new/").text
    token = re.findall(r'name="csrf-token" content="([^"]+)"', page)[0]
    data = {"csrf_token": token, "name": "ci", "role": "user"}
    made = author.post("/admin/aiagents/keys/new/", data=data, headers=BROWSER)
    assert made.status_code == 201, made.text
    assert (
        author.post("/admin/aiagents/keys/new/", data=data | {"csrf_token": ""}, headers=BROWSER).status_code
        == 403
    )


def test_nobody_is_sent_to_the_blogs_login(client: Any) -> None:  # noqa: F811
    assert "/auth/login?next=" in client.get("/admin/aiagents/agents/").headers["Location"]
