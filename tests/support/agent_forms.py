"""The form of an agent in the panel, filled in and sent."""

from __future__ import annotations

from typing import Any

from .forms import FormReader
from .panel import PanelClient


def new_form(panel: PanelClient, query: str = "") -> FormReader:
    page = panel.get(f"/agents/new/{query}")
    assert page.status_code == 200, page.text
    return FormReader(page.text, "/aiagents/agents/new/")


def edit_form(panel: PanelClient, agent: dict[str, Any]) -> FormReader:
    page = panel.get(f"/agents/edit/?id={agent['id']}")
    assert page.status_code == 200, page.text
    return FormReader(page.text, "/aiagents/agents/edit/")


def create(panel: PanelClient, **fields: Any) -> Any:
    return panel.post("/agents/new/", new_form(panel).data(**fields))


def edit(panel: PanelClient, agent: dict[str, Any], **fields: Any) -> Any:
    return panel.post(f"/agents/edit/?id={agent['id']}", edit_form(panel, agent).data(**fields))


def agents(client: Any) -> list[dict[str, Any]]:
    return client.get("/api/ai_agents").json


def actions(client: Any, agent_id: str) -> list[str]:
    return [log["action"] for log in client.get(f"/api/ai_agents/{agent_id}/activity_logs").json]


def stored_keys(client: Any) -> list[str]:
    return [key["masked"] for key in client.get("/api/ai_agent_credentials").json]
