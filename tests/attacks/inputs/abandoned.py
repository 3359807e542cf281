"""Requests whose client hangs up before the answer: ``(name, method, path, value)``."""

from __future__ import annotations

from typing import Any

LOGS = "/ai_agent_activity_logs"
ANALYTICS = "/ai_agent_analytics"

ABANDONED: tuple[tuple[str, str, str, Any], ...] = (
    ("a pattern", "GET", f"{LOGS}?request_data->>input=like.*aaaaaaaaaaaaaaaa*b*", None),
    ("a count", "GET", f"{LOGS}?request_data->>text=ilike.*xxxxxxxx*y*&limit=1", None),
    ("a list", "GET", f"{LOGS}?limit=200", None),
    ("agents", "GET", "/ai_agents?limit=200", None),
    ("an export", "GET", f"{LOGS}/export?format=jsonl", None),
    ("a stream of the log", "GET", f"{LOGS}/stream", None),
    ("hours", "GET", f"{ANALYTICS}/timeseries?last=41d&step=hour", None),
    ("users", "GET", f"{ANALYTICS}/usage?by=user&top=200&last=3650d", None),
    ("a run", "POST", "/ai_agents/{agent}/execute", {"input": "hi"}),
    ("a long run", "POST", "/ai_agents/{agent}/execute", {"input": "x" * 500_000}),
    ("a large post", "POST", LOGS, [{"action": "import"}] * 5_000),
    ("the document", "GET", "/openapi.json", None),
)
