from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from support.logs import log_id_at

from flask_aiagents.core.clock import utcnow, uuid7_time
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.features.activity.models import ActivityLog
from flask_aiagents.types import JSONObject

BLANK: JSONObject = {
    "tenant_id": "acme",
    "user_id": "bob",
    "action": "x",
    "source": "client",
    "request_data": None,
    "tokens_used": None,
    "cost_usd": None,
    "unpriced": False,
    "status": "success",
    "error": None,
}


CASES: list[dict[str, list[Any]]] = [
    {"request_data": [1, True, 1.5, 0, False]},
    {"request_data": ["a", "a", "a"]},
    {"request_data": [{"a": 1}] * 3},
    {"request_data": [None, {}, None]},
    {"error": ["timeout"] * 3, "tokens_used": [5, 5, 5]},
    {"error": [None, "x"], "cost_usd": [Decimal("0.000000000001"), None]},
    {"cost_usd": [Decimal("1.500000000000")] * 2, "unpriced": [True, False]},
    {"tenant_id": ["acme", "globex"]},
    {"error": ["='\\\"%s :a ?"] * 2},
    {"error": ["alone"]},
]


@pytest.mark.parametrize("values", CASES, ids=str)
def test_rows_are_kept_as_they_were_given(any_host: Flask, values: dict[str, list[Any]]) -> None:
    """What all rows have in common, what only some have and what none has comes back, each of its own type."""
    rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    ids = sorted(log_id_at(utcnow()) for _ in rows)
    whole = [
        BLANK | row | {"id": log_id, "created_at": uuid7_time(log_id)}
        for row, log_id in zip(rows, ids, strict=True)
    ]
    database = any_host.extensions["aiagents"].database
    with any_host.app_context():
        with database.transaction(SYSTEM) as session:
            session.insert_rows(ActivityLog, whole)
        with database.transaction(SYSTEM) as session:
            logs = {log_id: session.get(ActivityLog, log_id) for log_id in ids}
            kept = [{name: getattr(logs[row["id"]], name) for name in row} for row in whole]
    assert kept == whole
    assert [list(map(type, row.values())) for row in kept] == [list(map(type, row.values())) for row in whole]
