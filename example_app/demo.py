"""What a started demo says: to people on the terminal, to programs in ``demo.json``."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from flask import Flask, url_for

from .cast import PEOPLE


def kept_keys(app: Flask) -> dict[str, str]:
    """The API keys that an earlier start left in ``demo.json``."""
    try:
        users = json.loads(demo_path(app).read_text(encoding="utf-8"))["users"]
        return {name: user["api_key"] for name, user in users.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}  # there was none, or it is not ours: the keys are made anew


def runs(app: Flask, port: int) -> bool:
    """Whether the demo that ``demo.json`` tells of answers on this port."""
    try:
        demo = json.loads(demo_path(app).read_text(encoding="utf-8"))
        if urlsplit(demo["url"]).port != port:
            return False
        with build_opener(ProxyHandler({})).open(f"{demo['api']}/health", timeout=2) as answer:
            return answer.status == 200
    except (OSError, ValueError, LookupError, TypeError):
        return False


def write(app: Flask, host: str, port: int, keys: dict[str, str]) -> dict[str, Any]:
    """Write ``demo.json``, whole or not at all, for this user's eyes only."""
    url = f"http://{_reachable(host)}:{port}"
    users = {
        person.username: {
            "password": person.password,
            "api_key": keys[person.username],
            "tenant": person.tenant_id,
            "role": person.role.value,
        }
        for person in PEOPLE
    }
    with app.test_request_context():
        panel = url_for("aiagents_panel_dashboard.index")
    demo = {"url": url, "login": f"{url}/login", "api": f"{url}/api", "admin": f"{url}{panel}", "users": users}
    handle, name = tempfile.mkstemp(dir=demo_path(app).parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(demo, file, indent=2)
    os.replace(name, demo_path(app))
    return demo


def announce(demo: dict[str, Any], place: Path) -> None:
    """Say what to open and what to try."""
    api, alice, charlie = demo["api"], demo["users"]["alice"], demo["users"]["charlie"]
    print(  # noqa: T201  # a program's own words
        f"""
Open  {demo["login"]}  and log in, for example as alice with {alice["password"]}
      {demo["admin"]}  is the agents' panel
      {api}/docs  shows every route

Try, as alice of acme:
  API={api}
  KEY='X-API-Key: {alice["api_key"]}'
  JSON='Content-Type: application/json'
  curl -H "$KEY" "$API/ai_agents?select=id,name"
  ID=$(curl -s -H "$KEY" "$API/ai_agents?name=eq.Order%20desk&select=id" | cut -d'"' -f4)
  curl -H "$KEY" -H "$JSON" "$API/ai_agents/$ID/execute" -d '{{"input": "What is the order status of 1001?"}}'
  curl -H "$KEY" -H "$JSON" "$API/ai_agents/$ID/execute" -d '{{"input": "Hello!"}}' -NH 'Accept: text/event-stream'
  curl -H "$KEY" "$API/ai_agent_activity_logs?action=eq.execute&limit=3"
  curl -H "$KEY" "$API/ai_agent_analytics/summary?last=30d"

And as charlie of globex, who must not see acme's agent:
  curl -H 'X-API-Key: {charlie["api_key"]}' "$API/ai_agents/$ID"

Everyone's password and key is in {place}. Stop with Ctrl-C.
""",
        flush=True,
    )


def _reachable(host: str) -> str:
    if host in ("", "0.0.0.0", "::"):  # noqa: S104  # where a server listens, not where a client goes
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def demo_path(app: Flask) -> Path:
    """Where ``demo.json`` is."""
    return Path(app.instance_path) / "demo.json"
