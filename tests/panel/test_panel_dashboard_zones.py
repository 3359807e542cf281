"""Days of a dashboard are those of the reader's time zone."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from support.cast import ALICE, Clients, make_agent
from support.dashboards import links, part, rows, tiles
from support.logs import execution
from support.panel import PanelClient

from flask_aiagents.surfaces.admin.dashboard_period import asked_period, before, file_words, span, whole
from flask_aiagents.surfaces.admin.formats import money
from flask_aiagents.testing import client_as

BERLIN = "Europe/Berlin"
SUMMER = "from=2026-03-29&to=2026-03-29"
"""The day on which Berlin's clocks go forward: it begins at 23:00 UTC and has 23 hours."""


@pytest.fixture
def alice(host: Flask, clients: Clients) -> PanelClient:
    """alice in Berlin, whose agent ran half an hour before that day, at its beginning, its end and after it."""
    agent = make_agent(clients.alice, "Desk")["id"]
    for time in ("28T22:30", "28T23:30", "29T21:30", "29T22:30"):
        execution(host, agent, at=datetime.fromisoformat(f"2026-03-{time}").replace(tzinfo=UTC))
    return PanelClient(client_as(host, replace(ALICE, time_zone=BERLIN)))


def test_a_given_day_is_the_readers(alice: PanelClient) -> None:
    """Two runs are of it, and the figure leads to these two; UTC would have counted others."""
    html = part(alice, "figures", SUMMER)
    assert tiles(html)[0] == "2"
    url = next(url for words, url in links(html).items() if words.startswith("Runs"))
    assert len(re.findall("data-id=", alice.get(url.removeprefix("/aiagents")).text)) == 2


def test_a_chart_names_the_readers_times(alice: PanelClient) -> None:
    """Its steps are days of the zone, which the table names; each leads to its own runs."""
    html = part(alice, "trends", "from=2026-03-27&to=2026-03-31&compare=previous")
    assert f"Time ({BERLIN})" in html
    chart = json.loads(re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', html, re.DOTALL)[0])
    assert chart["labels"] == [f"2026-03-{day}" for day in (27, 28, 29, 30, 31)]
    assert chart["series"][0]["values"] == [0, 1, 2, 1, 0]
    assert len(chart["series"][-1]["values"]) == 5, "as many days before, though one of these had fewer hours"
    assert rows(html.partition("</figure>")[0])["2026-03-29"][0] == "2"
    url = unescape(f"{chart['series'][0]['logs']}&{chart['times'][2]}").removeprefix("/aiagents")
    assert len(re.findall("data-id=", alice.get(url).text)) == 2


def test_the_months_logs_begin_with_the_readers_month(alice: PanelClient, host: Flask, clients: Clients) -> None:
    """What was spent in the month leads to the runs since midnight in Berlin, and to none before it."""
    agent = make_agent(clients.alice, "Writer")["id"]
    first = datetime.now(ZoneInfo(BERLIN)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for time, price in ((first, "0.25"), (first - timedelta(minutes=1), "4")):
        execution(host, agent, at=time.astimezone(UTC), cost_usd=Decimal(price))
    html = part(alice, "costs")
    assert tiles(html)[1] == money(Decimal("0.25"))
    url = next(url for words, url in links(html).items() if words.startswith("Spent in"))
    assert len(re.findall("data-id=", alice.get(url.removeprefix("/aiagents")).text)) == 1


def test_the_file_names_the_readers_days(alice: PanelClient) -> None:
    """And no hours of UTC."""
    headers = alice.get(f"/dashboard/csv/agents/?{SUMMER}").headers
    assert headers["Content-Disposition"].endswith('"agents-2026-03-29-to-2026-03-29.csv"')


@pytest.mark.parametrize("zone", ["UTC", BERLIN, "Asia/Kolkata", "Pacific/Apia", "America/Sao_Paulo"])
def test_recent_days_are_whole(zone: str) -> None:
    """Thirty of the zone with today; those before are thirty, too, and end where these begin."""
    period = asked_period({"last": "30d"}, zone)
    assert whole(period, zone)
    today = datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
    assert file_words(period, zone) == f"{today - timedelta(days=29)}-to-{today}"
    earlier = before(period, zone)
    assert earlier.end == period.start
    assert file_words(earlier, zone) == f"{today - timedelta(days=59)}-to-{today - timedelta(days=30)}"


def test_times_stay_times() -> None:
    """Whoever gives hours means them, and the log is asked for just these."""
    period = asked_period({"from": "2026-03-29T10:00:00Z", "to": "2026-03-29T12:30:00Z"}, BERLIN)
    assert span(period) == {"from": "2026-03-29T10:00:00Z", "to": "2026-03-29T12:30:00Z"}
    assert before(period, BERLIN).start == datetime(2026, 3, 29, 7, 30, tzinfo=UTC)
