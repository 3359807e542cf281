"""Exports read back, value by value."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from flask_aiagents.features.activity.columns import COLUMNS
from flask_aiagents.types import JSONObject
from flask_aiagents.web.columns import Column
from flask_aiagents.web.csv import BOM, original


def logs_of(text: str, format: str) -> list[JSONObject]:
    """The rows of an export, as the database takes them."""
    if format == "jsonl":
        return [_log(json.loads(line)) for line in text.splitlines()]
    reader = csv.DictReader(io.StringIO(text.removeprefix(BOM), newline=""))
    return [_log({name: _read(COLUMNS[name], cell) for name, cell in row.items()}) for row in reader]


def _log(row: JSONObject) -> JSONObject:
    return {name: _value(COLUMNS[name], value) for name, value in row.items()}


def _value(column: Column, value: Any) -> Any:
    return column.parse(value) if column.kind in ("uuid", "time", "money") and value is not None else value


def _read(column: Column, cell: str) -> Any:
    match column.kind, original(cell):
        case _, "":
            return None
        case (("integer" | "boolean" | "json"), text):
            return json.loads(text)
        case _, text:
            return text
