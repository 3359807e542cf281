from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from web_toy import toy, toy_engine, toy_host

BIG = 2**53 + 1

VALUES: tuple[Any, ...] = (
    {"n": 9},
    {"n": 90},
    {"n": 1000},
    {"n": 0.0},
    {"n": 0.1},
    {"n": -1.5},
    {"n": BIG},
    {"n": BIG - 1},
    {"n": "9"},
    {"n": "text"},
    {"n": True},
    {"n": False},
    {"n": None},
    {},
    {"n": {"deep": [1, 20, 3]}},
    {"n": "true"},
    {"n": "2026-01-31"},
)

FOUND: tuple[tuple[str, str, list[int]], ...] = (
    ("n", "gt.100", [2, 6, 7]),
    ("n", "lte.90", [0, 1, 3, 4, 5]),
    ("n", "eq.0", [3]),
    ("n", "eq.0.0", [3]),
    ("n", "eq.0.10", [4]),
    ("n", "lt.-1", [5]),
    ("n", "eq.9", [0]),
    ("n", "eq.9e0", [0]),
    ("n", "neq.9", [*range(1, 13), 14, 15, 16]),
    ("n", f"eq.{BIG}", [6]),
    ("n", f"lt.{BIG}", [0, 1, 2, 3, 4, 5, 7]),
    ("n", "in.(9,0,text)", [0, 3, 8, 9]),
    ("n", "eq.true", [10]),
    ("n", "eq.false", [11]),
    ("n", "neq.true", [*range(10), 11, 12, 14, 15, 16]),
    ("n", "gt.true", []),
    ("n", "eq.null", [12]),
    ("n", "eq.text", [9]),
    ("n", "is.null", [12, 13]),
    ("n", "is.true", [10]),
    ("n", "is.false", [11]),
    ("n", "not.is.true", [*range(10), *range(11, 17)]),
    (">n", "eq.0", [3]),
    (">n", "eq.0.00", [3]),
    (">n", "eq.9", [0, 8]),
    (">n", f"eq.{BIG}", [6]),
    (">n", "eq.true", [10, 15]),
    (">n", "in.(9,0.1,true)", [0, 4, 8, 10, 15]),
    (">n", "not.in.(9,90)", [2, 3, 4, 5, 6, 7, 9, 10, 11, 14, 15, 16]),
    (">n", "is.null", [12, 13]),
    (">n", "like.2026*", [16]),
    ("n->deep->1", "gt.3", [14]),
    ("n->deep->>1", "eq.20.0", [14]),
    ("n->deep->>1", "gt.3", [14]),
    ("n->deep->9", "eq.1", []),
)
"""A path, a condition, and the rows that it finds; ``>`` ends the path in ``->>``."""


@pytest.fixture
def client(database_uri: str) -> Iterator[Any]:
    """One row for each value, on each kind of database."""
    engine = toy_engine(database_uri, *(toy(number, traits=traits) for number, traits in enumerate(VALUES)))
    yield toy_host(engine).test_client()
    engine.dispose()


def test_numbers_in_json_are_compared_as_numbers(client: Any) -> None:
    """Numbers, booleans, null and text at a place compare alike on every database; absent ones match nothing."""
    wrong = {}
    for path, condition, due in FOUND:
        query = {f"traits->{path}": condition, "select": "id", "order": "made_at.asc"}
        response = client.get("/api/toys", query_string=query)
        found = (
            [int(row["id"][-2:], 16) for row in response.json] if response.status_code == 200 else response.text
        )
        if found != due:
            wrong[f"->{path}={condition}"] = found
    assert wrong == {}


@pytest.mark.requirement("R53")
@pytest.mark.parametrize(
    "literal", ["1e99", "9" * 40, "1e-99", "0." + "0" * 39 + "1", "9" * 400, "1e999", "-0", "1_0", "x1"]
)
def test_an_odd_number_is_no_500(client: Any, literal: str) -> None:
    """Numbers that no column holds, and what only looks like one, find nothing or little."""
    for operator in ("eq", "neq", "gt", "lte"):
        for arrow in ("->", "->>"):
            response = client.get("/api/toys", query_string={f"traits{arrow}n": f"{operator}.{literal}"})
            assert response.status_code == 200, response.text
