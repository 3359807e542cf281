from __future__ import annotations

from datetime import timedelta

from flask import Flask
from running import run
from support.usage import ask, counted, exact, past, roll_up, write

from flask_aiagents.core.clock import utcnow
from flask_aiagents.features.analytics.period import Period


def test_rollup_counts_all_that_waits_and_says_how_far_it_is(host: Flask) -> None:
    """All is rolled up in one go that tells how far it is, and a second run finds nothing more."""
    logs = past(utcnow(), 2, 10_100)
    write(host, logs)
    result = run(host, "rollup")
    *lines, last, end = result.output.splitlines()
    assert (last, end) == ("10,100 ...", "10,100 executions were rolled up.")
    assert all(line.endswith("00 ...") for line in lines)
    assert run(host, "rollup").output == "0 executions were rolled up.\n"
    assert exact(ask(host, "summary", Period.recent("7d"))) == counted(logs)


def test_a_rebuild_names_each_day(host: Flask) -> None:
    """--rebuild sums days anew, from the first up to the last, which is not among them."""
    now = utcnow()
    logs = past(now, 1, 30)
    write(host, logs)
    roll_up(host)
    first, last = now - timedelta(days=1), now + timedelta(days=1)
    result = run(host, "rollup", "--rebuild", f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert [line[:10] for line in lines[:-1]] == [f"{first:%Y-%m-%d}", f"{now:%Y-%m-%d}"]
    assert lines[-1] == "30 executions were summed anew."
    assert exact(ask(host, "summary", Period.recent("7d"))) == counted(logs)


def test_a_day_that_is_none_is_refused(host: Flask) -> None:
    """Words that are no day end the command with a sentence."""
    result = run(host, "rollup", "--rebuild", "yesterday", "today")
    assert result.exit_code == 2
    assert "yesterday" in result.output
