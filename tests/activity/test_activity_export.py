from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from flask import Flask
from support.cast import ALICE, Clients, make_agent
from support.csv_files import rows_of

from flask_aiagents import current_aiagents
from flask_aiagents.errors import Unauthorized
from flask_aiagents.web.csv import BOM


def exported(client: Any, query: str = "") -> Any:
    response = client.get(f"/api/ai_agent_activity_logs/export?{query}")
    assert response.status_code == 200, response.text
    return response


def fill(clients: Clients, number: int = 250) -> list[dict[str, Any]]:
    """More logs than one page has, with texts of every kind; newest first."""
    logs = [
        {"action": "import", "error": f"line\r\n{n}", "cost_usd": f"0.0000000000{n % 90 + 10}", "tokens_used": n}
        for n in range(number)
    ]
    assert clients.alice.post("/api/ai_agent_activity_logs", json=logs).status_code == 201
    make_agent(clients.alice, 'Quotes ", commas and ümlauts')
    found = clients.alice.get("/api/ai_agent_activity_logs?limit=200").json
    return found + clients.alice.get("/api/ai_agent_activity_logs?limit=200&offset=200").json


def test_json_lines_are_the_list(any_clients: Clients) -> None:
    """Read back, the export equals the list: every row, every field, in its order."""
    listed = fill(any_clients)
    lines = exported(any_clients.alice, "format=jsonl").text.splitlines()
    assert [json.loads(line) for line in lines] == listed


def test_csv_is_the_list(any_clients: Clients) -> None:
    """Read back, each cell is the list's value, money with all its digits."""
    listed = fill(any_clients)
    response = exported(any_clients.alice)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="activity-')
    rows = rows_of(response.text)
    assert [row["id"] for row in rows] == [log["id"] for log in listed]
    assert [row["cost_usd"] for row in rows] == [log["cost_usd"] or "" for log in listed]
    assert [row["error"] for row in rows] == [log["error"] or "" for log in listed]
    assert [row["created_at"] for row in rows] == [log["created_at"] for log in listed]
    assert [json.loads(row["request_data"] or "null") for row in rows] == [log["request_data"] for log in listed]


def test_the_filter_is_the_lists(clients: Clients) -> None:
    """Conditions, order and columns as for the list."""
    fill(clients)
    rows = rows_of(
        exported(clients.alice, "tokens_used=gte.240&order=created_at.asc&select=action,tokens_used").text
    )
    assert rows == [{"action": "import", "tokens_used": str(n)} for n in range(240, 250)]


def test_nothing_found_is_a_header(clients: Clients) -> None:
    """An empty export is a file with its columns."""
    assert exported(clients.alice, "select=id,error").text == f"{BOM}id,error\r\n"
    assert exported(clients.alice, "format=jsonl").text == ""


@pytest.mark.parametrize(
    "query", ["format=xlsx", "no_column=eq.1", "status=active", "order=error", "limit=1", "limit=x", "offset=0"]
)
def test_a_wrong_question_is_no_file(clients: Clients, query: str) -> None:
    """400 with a hint, before anything was given out."""
    response = clients.alice.get(f"/api/ai_agent_activity_logs/export?{query}")
    assert response.status_code == 400
    assert response.json["hint"]


def test_a_revoked_key_exports_no_further(host: Flask, clients: Clients) -> None:
    """Each page asks whether the key still holds; the file breaks off."""
    fill(clients, 450)
    made = clients.alice.post("/api/ai_agent_api_keys", json={"name": "exports"}).json
    with host.test_request_context(headers={"X-API-Key": made["token"]}):
        parts = current_aiagents.activity.export(format="jsonl")
    assert next(parts).count(b"\n") == 200
    assert clients.alice.delete(f"/api/ai_agent_api_keys/{made['id']}").status_code == 204
    with pytest.raises(Unauthorized):
        next(parts)


def test_everybody_exports_their_own(clients: Clients) -> None:
    """A user's own activity, a tenant's for its admin, all for the operator; nobody gets a 401."""
    for client in (clients.alice, clients.bob, clients.charlie):
        client.post("/api/ai_agent_activity_logs", json={"action": "x"})
    found = {
        name: sorted(row["user_id"] for row in rows_of(exported(getattr(clients, name)).text))
        for name in ("alice", "bob", "charlie", "root")
    }
    assert found == {
        "alice": ["alice", "bob"],
        "bob": ["bob"],
        "charlie": ["charlie"],
        "root": ["alice", "bob", "charlie"],
    }
    assert clients.nobody.get("/api/ai_agent_activity_logs/export").status_code == 401


def test_r26_cells_are_no_formulas(clients: Clients) -> None:
    """R26: what a spreadsheet would run has an apostrophe in front; numbers stay numbers."""
    for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1"):
        clients.alice.post("/api/ai_agent_activity_logs", json={"action": "x", "error": text})
    rows = rows_of(exported(clients.alice, "select=error,tokens_used&order=created_at.asc").text)
    assert [row["error"] for row in rows] == ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t=1", "' =1"]


def test_an_export_needs_the_memory_of_a_page(host: Flask, clients: Clients) -> None:
    """5,000 logs of 2 KB are written without ever holding a tenth of them."""
    for _ in range(5):
        logs = [{"action": "x", "request_data": {"text": "t" * 2_000}} for _ in range(1_000)]
        assert clients.alice.post("/api/ai_agent_activity_logs", json=logs).status_code == 201
    with host.app_context():
        parts = current_aiagents.activity.export(principal=ALICE)
        next(parts)
        tracemalloc.start()
        size = sum(len(part) for part in parts)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size > 10_000_000
    assert peak < 5_000_000
