"""Questions to the metrics that cannot be answered, and two ways to write the same one."""

from __future__ import annotations

import pytest
from flask import Flask
from support.cast import Clients, make_agent
from support.logs import execution

URL = "/api/ai_agent_analytics"

ROUTES = ("summary", "timeseries", "usage", "costs", "errors")

HUGE = (
    *("P99999W99999D/1970-01-01", "1970-01-01/P99999W99999D", "PT99999H99999M/1970-01-01", "P99999D/9000-12-31"),
    *("9000-12-31/P99999W", "0001-01-01/0001-01-02", "9999-12-31/9999-12-31T23:59:59", "P1D/0001-01-01"),
    *("0001-01-01T00:00:00+14:00/P1D", "P1D/9999-12-31T23:59:59-14:00", "P3660D/1960-01-01", "-0001-01-01/P1D"),
)


EDGES = ("P3660D/1970-01-01", "1970-01-01/P1D", "9000-12-31/P3660D", "P3660D/9000-12-31T23:59:59.999999")

ZONES = ("America", "..", "/etc/passwd", "Europe/Berlin%00", "x" * 5000, "%F0%9F%98%80", "%ED%A0%80", "Etc/GMT+99")


@pytest.mark.parametrize("route", ROUTES)
def test_periods_beyond_the_calendar_are_refused(clients: Clients, route: str) -> None:
    """Overflowing durations and years are a 400 with a hint on every route."""
    for period in HUGE:
        refused = clients.alice.get(f"{URL}/{route}", query_string={"period": period})
        assert (refused.status_code, bool(refused.json["hint"])) == (400, True), period
    for last in ("99999w", "99999d", "523w"):
        assert clients.alice.get(f"{URL}/{route}?last={last}").status_code == 400


@pytest.mark.parametrize("route", ROUTES)
def test_periods_at_the_edges_of_the_calendar_are_answered(any_clients: Clients, route: str) -> None:
    """The first and the last accepted times and the longest durations are periods like others."""
    for period in EDGES:
        query = {"period": period} | ({"step": "month"} if route == "timeseries" else {})
        answer = any_clients.alice.get(f"{URL}/{route}", query_string=query)
        assert answer.status_code == 200, (period, answer.text)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("route", ["timeseries", "costs"])
def test_unknown_zones_are_refused(clients: Clients, route: str, zone: str) -> None:
    """Folders, paths, NUL, surrogates and endless names are a 400 with a hint."""
    refused = clients.alice.get(f"{URL}/{route}?zone={zone}")
    assert (refused.status_code, bool(refused.json["hint"])) == (400, True)


def test_ids_are_written_as_in_lists_or_plain(host: Flask, clients: Clients) -> None:
    """agent_id=eq.<id> and user_id=eq.<id> narrow as the plain ids do; another operator is no id."""
    agent, other = (make_agent(clients.alice, name)["id"] for name in ("One", "Two"))
    execution(host, agent)
    execution(host, other)
    for route in ROUTES:
        for query in (f"agent_id={agent}", f"agent_id=eq.{agent}", "user_id=bob", "user_id=eq.bob"):
            assert clients.alice.get(f"{URL}/{route}?{query}").status_code == 200, (route, query)
        assert clients.alice.get(f"{URL}/{route}?agent_id=neq.{agent}").status_code == 400
    for query, count in ((f"agent_id=eq.{agent}", 1), ("user_id=eq.bob", 2), ("user_id=eq.eve", 0)):
        assert clients.alice.get(f"{URL}/summary?{query}").json["executions"] == count
