from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from running import Mount, run
from support.databases import Roles
from support.partitions import unmake_months
from support.usage import ask, counted, exact, past, roll_up, write

from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.errors import ConfigurationError
from flask_aiagents.features.activity.models import ActivityLog
from flask_aiagents.features.analytics.period import Period


def executions(app: Flask) -> int:
    with app.app_context(), app.extensions["aiagents"].database.transaction(SYSTEM) as session:
        count = sa.select(sa.func.count()).select_from(ActivityLog).where(ActivityLog.action == "execute")
        return session.scalar(count) or 0


def test_rules_are_set_listed_and_taken_away(host: Flask) -> None:
    """What was said is what the list shows, beside the setting."""
    assert run(host, "retention", "list").output == "AIAGENTS_LOG_RETENTION_DAYS  *  for good\n"
    assert run(host, "retention", "set", "--tenant", "acme", "--days", "30").output == "acme  *  30 days\n"
    run(host, "retention", "set", "--tenant", "acme", "--action", "execute", "--days", "0")
    assert run(host, "retention", "list").output.splitlines()[1:] == [
        "acme  *  30 days",
        "acme  execute  for good",
    ]
    assert run(host, "retention", "unset", "--tenant", "acme").exit_code == 0
    assert run(host, "retention", "list").output.splitlines()[1:] == ["acme  execute  for good"]


def test_nonsense_is_refused_in_words(host: Flask) -> None:
    """What cannot be a rule says why, and changes nothing."""
    for arguments, word in (
        (("set", "--tenant", "acme", "--days", "-3"), "days"),
        (("set", "--tenant", "acme", "--days", "3", "--action", "No such"), "action"),
        (("unset", "--tenant", "nobody"), "has no rule"),
    ):
        result = run(host, "retention", *arguments)
        assert result.exit_code == 1
        assert word in result.output
        assert "Traceback" not in result.output


def test_apply_deletes_says_what_and_leaves_the_figures(mount: Mount, database_uri: str) -> None:
    """By the setting, which an environment variable may hold as JSON."""
    now = utcnow()
    app = mount(database_uri, AIAGENTS_LOG_RETENTION_DAYS='{"execute": 20, "*": 0}')
    logs = past(now, 40, 300)
    write(app, logs)
    roll_up(app)
    result = run(app, "retention", "apply")
    old = sum(log["created_at"] < now - timedelta(days=20) for log in logs)
    assert result.output.splitlines()[-1] == f"{old} logs or whole months were deleted."
    assert executions(app) == 300 - old
    assert exact(ask(app, "summary", Period.recent("60d"))) == counted(logs)
    assert "retention: 0" in run(app, "maintain").output


def test_a_wrong_setting_names_itself(mount: Mount, database_uri: str) -> None:
    """Days that are none stop the start."""
    for wrong in ("soon", "-1", '{"execute": "x"}', "[1]"):
        with pytest.raises(ConfigurationError, match="AIAGENTS_LOG_RETENTION_DAYS"):
            mount(database_uri, AIAGENTS_LOG_RETENTION_DAYS=wrong)


def test_doctor_says_when_nobody_makes_months(mount: Mount, postgres: Roles) -> None:
    """Where maintenance has not run for months, the log is one heap, and the doctor says how to mend it."""
    app = mount(postgres.owner)
    assert "months" not in run(app, "doctor").output
    unmake_months(postgres.owner)
    result = run(app, "doctor")
    assert "Nobody has made the months of the log" in result.output
    run(app, "maintain")
    assert "months" not in run(app, "doctor").output
