from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlencode

import pytest
from attacks.inputs.literals import LITERALS
from flask import Flask
from support.cast import Clients, make_agent

from flask_aiagents.features.access.columns import COLUMNS as KEYS
from flask_aiagents.features.activity.columns import COLUMNS as LOGS
from flask_aiagents.features.agents.columns import AGENT_COLUMNS as AGENTS
from flask_aiagents.features.agents.columns import CONFIGURATION_COLUMNS
from flask_aiagents.features.credentials.columns import CREDENTIAL_COLUMNS as CREDENTIALS
from flask_aiagents.web.filtering import OPERATORS

LISTS = {
    "/ai_agents": AGENTS,
    "/ai_agent_activity_logs": LOGS,
    "/ai_agent_activity_logs/export": LOGS,
    "/ai_agent_activity_logs/stream": LOGS,
    "/ai_agent_configurations": CONFIGURATION_COLUMNS,
    "/ai_agent_credentials": CREDENTIALS,
    "/ai_agent_api_keys": KEYS,
}

PARAMETERS = (
    *("order", "select", "limit", "offset", "cursor", "or", "and", "not.or", "format", "last_event_id"),
    *("last", "period", "from", "to", "step", "zone", "by", "top", "agent_id", "user_id", "source"),
    *("page", "page_size", "sort", "desc", "search", "id", "copy", "url", "modal", "tenant_id"),
    *("agent", "compare", "log", "q", "status", "action", "provider", "model", "error", "name", "key", "kind"),
)
"""The query parameters of all routes, and some that most of them lack."""

Request = tuple[str, dict[str, str]]


def _filters() -> Iterator[Request]:
    """Each column with each operator and each literal."""
    for path, columns in LISTS.items():
        for column in columns:
            names = [column.name, *(f"{column.name}{arrow}a" for arrow in ("->", "->>") if column.kind == "json")]
            for name in names:
                for operator in sorted(OPERATORS):
                    for literal in LITERALS:
                        yield path, {name: f"{operator}.{literal}"}
                        yield path, {"or": f"({name}.{operator}.{literal},{name}.not.{operator}.({literal}))"}


def _pages(app: Flask, ids: dict[str, str]) -> list[str]:
    """Every path that is read with GET, with the ids of rows that are there."""
    rules = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("aiagents") and "GET" in (rule.methods or ()) and "path:" not in rule.rule
    ]
    return sorted(
        {re.sub(r"<(?:\w+:)?(\w+)>", lambda match: ids.get(match[1], "figures"), rule) for rule in rules}
    )


def _parameters(app: Flask, ids: dict[str, str]) -> Iterator[Request]:
    """Each route with each parameter and each literal."""
    for path in _pages(app, ids):
        for parameter in PARAMETERS:
            for literal in LITERALS:
                yield path, {parameter: literal}


def _ids(alice: Any) -> dict[str, str]:
    agent = make_agent(alice)
    path = f"/api/ai_agents/{agent['id']}"
    assert alice.post(f"{path}/execute", json={"input": "hi"}).status_code == 200
    assert alice.put(f"{path}/configuration", json={"configuration": {"temperature": 1}}).status_code == 200
    key = {"provider": "openai", "api_key": "sk-12345678"}
    return {
        "agent_id": agent["id"],
        "log_id": alice.get("/api/ai_agent_activity_logs?limit=1").json[0]["id"],
        "key_id": alice.post("/api/ai_agent_api_keys", json={"name": "x"}).json["id"],
        "credential_id": alice.post("/api/ai_agent_credentials", json=key).json["id"],
    }


def _failures(client: Any, requests: Iterator[Request], prefix: str = "") -> list[Any]:
    """The requests that were answered with a 500, of which none may be."""
    failed = []
    for path, query in requests:
        response = client.get(f"{prefix}{path}?{urlencode(query, errors='surrogatepass')}", buffered=False)
        if response.status_code >= 500:
            failed.append((path, query, response.get_data(as_text=True)[:200]))
        response.close()
    return failed


def _some(requests: Iterator[Request], step: int) -> Iterator[Request]:
    # A step that has no divisor in common with the number of literals meets each of them with something.
    return islice(requests, 0, None, step)


@pytest.mark.requirement("R53")
def test_no_literal_in_a_filter_is_a_500(any_host: Flask) -> None:
    """Columns of each kind take or refuse what is no number, date, id, truth, pattern or list."""
    clients = Clients.of(any_host)
    _ids(clients.alice)
    assert _failures(clients.alice, _some(_filters(), 977), "/api") == []
    each = (
        (("/ai_agent_activity_logs"), {"cost_usd": f"{op}.{text}"}) for op in ("eq", "lt") for text in LITERALS
    )
    assert _failures(clients.alice, iter(each), "/api") == []


@pytest.mark.requirement("R53")
def test_no_query_parameter_is_a_500(any_host: Flask) -> None:
    """Every route of the API and every page of the panel answers parameters that make no sense."""
    clients = Clients.of(any_host)
    ids = _ids(clients.alice)
    pages = _pages(any_host, ids)
    assert len(pages) > 40
    assert _failures(clients.alice, _some(_parameters(any_host, ids), 1999)) == []
    assert _failures(clients.root, _some(_parameters(any_host, ids), 2999)) == []


@pytest.mark.slow
@pytest.mark.requirement("R53")
@pytest.mark.parametrize("who", ["alice", "bob", "root"])
def test_no_query_of_many_is_a_500(any_host: Flask, who: str) -> None:
    """A larger part of all literals, operators, columns, parameters and routes, as each of the cast."""
    clients = Clients.of(any_host)
    ids = _ids(clients.alice)
    client = getattr(clients, who)
    assert _failures(client, _some(_filters(), 23), "/api") == []
    assert _failures(client, _some(_parameters(any_host, ids), 29)) == []
