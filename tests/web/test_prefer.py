from __future__ import annotations

import time

import pytest
from support.cast import OFFLINE, Clients

from flask_aiagents.web.prefer import parse_prefer

PARSED: dict[str, dict[str, str]] = {
    "return=minimal": {"return": "minimal"},
    'Return = "minimal" ; x=1, count=exact': {"return": "minimal", "count": "exact"},
    "respond-async, wait=10": {"respond-async": "", "wait": "10"},
    "return=minimal, return=representation": {"return": "minimal"},
    'foo="a, return=minimal", count=exact': {"foo": "a, return=minimal", "count": "exact"},
    "foo; return=minimal": {"foo": ""},
    "x-return=minimal": {"x-return": "minimal"},
    'a="b\\"c"': {"a": 'b"c'},
    "not a preference, count=exact": {"count": "exact"},
    ',,;;="': {},
    "": {},
}

NOT_MINIMAL = ("x-return=minimal", "return=minimally", 'foo="return=minimal"', "foo; return=minimal", "return")


@pytest.mark.parametrize("header", PARSED)
def test_preferences_are_parsed(header: str) -> None:
    """Names, values, quotes and parameters are told apart; of two of one name the first holds."""
    assert parse_prefer(header) == PARSED[header]


@pytest.mark.requirement("R42")
@pytest.mark.parametrize("piece", ['"', "; ", 'a="', "=,", ' \\"', "a;b="])
def test_a_hostile_header_is_read_at_once(piece: str) -> None:
    """Quotes and separators by the thousand cost next to nothing."""
    began = time.process_time()
    parse_prefer(piece * 5_000)
    assert time.process_time() - began < 0.1


def test_what_only_contains_a_preference_is_none(clients: Clients) -> None:
    """A body comes unless the client prefers none; a total comes only where it is preferred."""
    for header in NOT_MINIMAL:
        body = {"name": header, "model_config": OFFLINE}
        created = clients.alice.post("/api/ai_agents", json=body, headers={"Prefer": header})
        assert created.json["name"] == header
    listed = clients.alice.get("/api/ai_agents", headers={"Prefer": 'x="count=exact"'})
    assert listed.headers["Content-Range"] == f"0-{len(NOT_MINIMAL) - 1}/*"
    both = clients.alice.get("/api/ai_agents", headers=[("Prefer", "wait=1"), ("Prefer", "COUNT=exact; a=b")])
    assert both.headers["Content-Range"].endswith(f"/{len(NOT_MINIMAL)}")
