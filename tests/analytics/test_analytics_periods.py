from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from support.cast import ALICE, BOB, Clients, make_agent
from support.logs import execution
from support.usage import ask, past, roll_up, write

from flask_aiagents import Principal, Role
from flask_aiagents.core.clock import utcnow
from flask_aiagents.features.analytics.period import Period
from flask_aiagents.testing import client_as

URL = "/api/ai_agent_analytics"

NIGHT = datetime(2026, 11, 25, 23, 30, 15, tzinfo=UTC)
"""Late in UTC, tomorrow in Berlin, afternoon in Los Angeles."""


def time(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("interval", "start", "end"),
    [
        ("2026-11-01/2026-11-15", "2026-11-01T00:00Z", "2026-11-15T00:00Z"),
        ("2026-11-01T12:00:00+02:00/2026-11-01T12:00:00Z", "2026-11-01T10:00Z", "2026-11-01T12:00Z"),
        ("P7D/2026-11-15", "2026-11-08T00:00Z", "2026-11-15T00:00Z"),
        ("2026-11-01/P2W", "2026-11-01T00:00Z", "2026-11-15T00:00Z"),
        ("2026-11-01T06:00Z/P1DT6H30M", "2026-11-01T06:00Z", "2026-11-02T12:30Z"),
        ("PT90M/2026-11-01", "2026-10-31T22:30Z", "2026-11-01T00:00Z"),
    ],
)
def test_an_interval_of_iso_8601_is_a_period(clients: Clients, interval: str, start: str, end: str) -> None:
    """Two times, or one and a duration; every answer names it by its ends."""
    for path in ("summary", "timeseries", "usage", "costs", "errors"):
        answer = clients.alice.get(f"{URL}/{path}", query_string={"period": interval})
        assert answer.status_code == 200, answer.text
        told = [time(answer.json["period"][name]) for name in ("from", "to")]
        assert told == [time(start), time(end)]


@pytest.mark.parametrize(
    ("last", "zone", "start", "end"),
    [
        ("1d", "UTC", "2026-11-25T00:00Z", "2026-11-26T00:00Z"),
        ("1d", "Europe/Berlin", "2026-11-25T23:00Z", "2026-11-26T23:00Z"),
        ("1w", "America/Los_Angeles", "2026-11-19T08:00Z", "2026-11-26T08:00Z"),
        ("30d", "America/Los_Angeles", "2026-10-27T07:00Z", "2026-11-26T08:00Z"),
        ("24h", "UTC", "2026-11-25T00:00Z", "2026-11-26T00:00Z"),
        ("24h", "Europe/Berlin", "2026-11-25T00:00Z", "2026-11-26T00:00Z"),
        ("24h", "America/Los_Angeles", "2026-11-25T00:00Z", "2026-11-26T00:00Z"),
        ("1h", "Asia/Kolkata", "2026-11-25T23:00Z", "2026-11-26T00:00Z"),
        ("5m", "Europe/Berlin", "2026-11-25T23:25:15Z", "2026-11-25T23:30:15Z"),
    ],
)
def test_the_last_days_are_those_of_the_zone(last: str, zone: str, start: str, end: str) -> None:
    """Days and weeks are whole days of the zone with today, hours whole hours with this, minutes exact."""
    assert Period.recent(last, NIGHT, zone) == Period(time(start), time(end))


def test_days_are_those_of_whoever_asks(host: Flask) -> None:
    """Without a zone in the question it is the principal's, for every answer; each step is then a whole day."""
    hawaiian: Any = client_as(host, Principal("kai", "acme", Role.TENANT_ADMIN, time_zone="Pacific/Honolulu"))
    for path in ("summary", "usage", "costs", "errors"):
        assert hawaiian.get(f"{URL}/{path}?last=3d").json["period"]["from"].endswith("T10:00:00Z"), path
    series = hawaiian.get(f"{URL}/timeseries?last=3d").json
    assert [step["start"][10:] for step in series["steps"]] == ["T10:00:00Z"] * 3
    assert hawaiian.get(f"{URL}/timeseries?last=3d&zone=UTC").json["period"]["from"].endswith("T00:00:00Z")


def test_the_last_minutes_have_what_just_ran(any_host: Flask, any_clients: Clients) -> None:
    """What ended a moment ago is in them, rolled up or not."""
    agent = make_agent(any_clients.alice)["id"]
    execution(any_host, agent)
    for _ in range(2):
        for last in ("5m", "2d"):
            answer = any_clients.alice.get(f"{URL}/summary?last={last}").json
            numbers = [answer[name] for name in ("executions", "tokens_used", "input_tokens", "unpriced")]
            assert answer["executions"] == 1
            assert {type(number) for number in numbers} == {int}, last
        roll_up(any_host)


def test_what_is_read_log_by_log_is_what_the_sums_say(any_host: Flask) -> None:
    """A period of minutes, whose logs the database adds up, has the figures of the hours that it is."""
    end = utcnow().replace(minute=0, second=0, microsecond=0)
    write(any_host, past(end, 1, 600))
    roll_up(any_host)
    hour = timedelta(hours=1)
    for who, only in ((ALICE, {}), (BOB, {}), (ALICE, {"user_id": "bob"})):
        whole = ask(any_host, "summary", Period(end - 12 * hour, end), principal=who, **only)
        odd = timedelta(minutes=1)
        shifted = ask(any_host, "summary", Period(end - 12 * hour - odd, end - odd), principal=who, **only)
        first, last = (
            ask(any_host, "summary", Period(at - odd, at), principal=who, **only)["executions"]
            for at in (end - 12 * hour, end)
        )
        assert shifted["executions"] == whole["executions"] + first - last
        assert shifted["duration_ms"]["p95"] == pytest.approx(whole["duration_ms"]["p95"], rel=0.2)


def test_a_deleted_agents_figures_stay(clients: Clients, host: Flask) -> None:
    """They are asked for by its id, as the rankings name it; to strangers it is as absent as ever."""
    agent = make_agent(clients.alice)["id"]
    execution(host, agent)
    assert clients.alice.delete(f"/api/ai_agents/{agent}").status_code == 204
    for _ in range(2):
        assert clients.alice.get(f"{URL}/usage").json["rows"][0]["key"] == agent
        for path in ("summary", "timeseries", "costs", "errors"):
            assert clients.alice.get(f"{URL}/{path}?agent_id={agent}").status_code == 200, path
            assert clients.charlie.get(f"{URL}/{path}?agent_id={agent}").status_code == 404, path
        assert ask(host, "summary", Period.recent("2d"), agent_id=UUID(agent), principal=ALICE)["executions"] == 1
        roll_up(host)


def test_one_kind_of_error_is_one_line(any_host: Flask, any_clients: Clients) -> None:
    """Failures with and without a word for it are one kind where the status is that word."""
    posted = [{"action": "execute", "status": "timeout", "error": error} for error in ("timeout", None)]
    assert any_clients.alice.post("/api/ai_agent_activity_logs", json=posted).status_code == 201
    for _ in range(2):
        rows = any_clients.alice.get(f"{URL}/errors").json["rows"]
        assert [(row["error"], row["status"], row["executions"]) for row in rows] == [("timeout", "timeout", 2)]
        assert rows[0]["example_log_id"]
        roll_up(any_host)
