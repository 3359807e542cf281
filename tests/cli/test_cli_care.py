from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from running import Mount, run
from support.cast import ALICE, OFFLINE, make_agent
from support.hosts import ENCRYPTION_KEY

from flask_aiagents import current_aiagents
from flask_aiagents.testing import client_as

SECRET = {"provider": "openai", "api_key": "sk-canary-0123456789"}


def store_secret(app: Flask) -> None:
    with app.app_context():
        current_aiagents.credentials.put(SECRET, principal=ALICE)


def test_rotation_seals_with_the_first_key_so_that_the_old_one_may_go(host: Flask, mount: Mount) -> None:
    """After rotate the secrets open with the new key alone."""
    store_secret(host)
    new, uri = base64.b64encode(os.urandom(32)).decode(), host.config["SQLALCHEMY_DATABASE_URI"]
    both = mount(uri, AIAGENTS_ENCRYPTION_KEYS=f"{new},{ENCRYPTION_KEY}")
    assert run(both, "credentials", "rotate").output.startswith("Secrets sealed anew: 1.")
    assert run(both, "credentials", "rotate").output.startswith("Secrets sealed anew: 0.")
    alone = mount(uri, AIAGENTS_ENCRYPTION_KEYS=new)
    assert run(alone, "doctor").exit_code == 0


def test_maintain_ticks_once_and_says_what_it_did(host: Flask, mount: Mount) -> None:
    """One tick names each task with its count."""
    result = run(host, "maintain")
    assert result.exit_code == 0, result.output
    assert "expired leases: 0" in result.output


def test_the_doctor_finds_nothing_wrong_with_a_sound_host(host: Flask, mount: Mount) -> None:
    """Key, tables and WAL in place: exit code 0."""
    result = run(host, "doctor")
    assert result.exit_code == 0, result.output
    assert "Nothing is wrong" in result.output


def test_the_doctor_finds_missing_tables(tmp_path: Path, mount: Mount) -> None:
    """No tables is a problem, and the mend is the command."""
    result = run(mount(f"sqlite:///{tmp_path}/no.db", migrated=False), "doctor")
    assert result.exit_code == 1
    assert "There are no tables." in result.output
    assert "flask aiagents db upgrade" in result.output


def test_the_doctor_finds_tables_behind_and_altered(host: Flask, mount: Mount) -> None:
    """An older revision and a dropped index each have their finding."""
    engine = host.extensions["aiagents"].database.engine
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE ai_agents DROP COLUMN description")
    assert "differ from the models" in run(host, "doctor").output
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE aiagents_alembic_version SET version_num = '0000'")
    result = run(host, "doctor")
    assert result.exit_code == 1
    assert "The tables are behind: at 0000" in result.output


def test_r7_the_doctor_finds_a_missing_encryption_key(host: Flask, mount: Mount) -> None:
    """Without a key the doctor prints how to make one; it is a problem once a secret is stored."""
    bare = mount(host.config["SQLALCHEMY_DATABASE_URI"], AIAGENTS_ENCRYPTION_KEYS="")
    result = run(bare, "doctor")
    assert result.exit_code == 0
    assert "There is no encryption key" in result.output
    assert "os.urandom(32)" in result.output
    store_secret(host)
    assert run(bare, "doctor").exit_code == 1


def test_the_doctor_finds_secrets_that_no_key_opens(host: Flask, mount: Mount) -> None:
    """A lost key shows before an agent needs it, and the secret is not printed."""
    store_secret(host)
    other = base64.b64encode(os.urandom(32)).decode()
    lost = mount(host.config["SQLALCHEMY_DATABASE_URI"], AIAGENTS_ENCRYPTION_KEYS=other)
    result = run(lost, "doctor")
    assert result.exit_code == 1
    assert "no configured encryption key opens: 1." in result.output
    assert SECRET["api_key"] not in result.output


def test_the_doctor_finds_sqlite_without_wal(host: Flask, mount: Mount) -> None:
    """Another journal mode is a problem."""
    with host.extensions["aiagents"].database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = DELETE")
    result = run(host, "doctor")
    assert result.exit_code == 1
    assert "journal mode is delete" in result.output


def test_the_doctor_advises_on_several_processes(
    host: Flask, mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits in memory are advice when several workers serve, and advice is no failure."""
    app = mount(host.config["SQLALCHEMY_DATABASE_URI"], AIAGENTS_RATE_LIMIT="10/minute")
    assert "redis" not in run(app, "doctor").output
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    result = run(app, "doctor")
    assert result.exit_code == 0
    assert "AIAGENTS_RATE_LIMIT_STORAGE_URI=redis://" in result.output


def test_the_doctor_finds_green_threads(host: Flask, mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gevent worker in gunicorn's arguments is a problem, and the mend names gthread."""
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--worker-class gevent")
    result = run(host, "doctor")
    assert result.exit_code == 1
    assert "gthread" in result.output


@pytest.mark.requirement("R45")
@pytest.mark.parametrize(
    ("arguments", "file", "advice"),
    [
        ("-k gthread --threads 16", "", "AIAGENTS_MAX_RUNNING=8"),
        ("--threads=32", "", None),
        ("", "threads = 8\n", "--threads 32"),
        ("-c gunicorn.conf.py", "workers = 2\nthreads=40\n", None),
        ("", "", None),
    ],
)
def test_the_doctor_compares_slots_with_threads(
    host: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: str, file: str, advice: str | None
) -> None:
    """A server whose threads can all be taken by executions and streams is advised to have more or run fewer."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gunicorn.conf.py").write_text(file)
    monkeypatch.setenv("GUNICORN_CMD_ARGS", arguments)
    output = run(host, "doctor").output
    assert ("AIAGENTS_MAX_RUNNING" in output) == bool(advice)
    assert advice is None or advice in output


def test_the_doctor_says_when_the_database_is_away(mount: Mount) -> None:
    """No server is a finding like any other, not a traceback."""
    app = mount("postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=1", migrated=False)
    result = run(app, "doctor")
    assert result.exit_code == 1
    assert "The database does not answer" in result.output
    assert "Traceback" not in result.output


def test_the_doctor_lists_agents_whose_schema_cannot_be_used(host: Flask) -> None:
    """A stored output_schema of an agent or a configuration with look-around is named, and its run is a 409."""
    alice: Any = client_as(host, ALICE)
    agent = make_agent(alice)
    url = f"/api/ai_agents/{agent['id']}"
    alice.put(f"{url}/configuration", json={"configuration": {"output_schema": {"type": "string"}}})
    old = json.dumps(OFFLINE | {"output_schema": {"pattern": "^(?!x)"}})
    with host.extensions["aiagents"].database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ai_agents SET model_config = ?", (old,))
        connection.exec_driver_sql("UPDATE ai_agent_configurations SET configuration = ?", (old,))
    result = run(host, "doctor")
    assert result.exit_code == 1
    assert result.output.count(f"The output_schema of agent 'Helper' ({agent['id']}, tenant acme") == 2
    assert "look-around" in result.output
    response = alice.post(f"{url}/execute", json={"input": "Hi"})
    assert (response.status_code, response.json["code"]) == (409, "invalid_schema")
    assert "Change the agent's output_schema" in response.json["hint"]
    log = alice.get("/api/ai_agent_activity_logs?action=eq.execute").json[0]
    assert (log["status"], log["error"], log["cost_usd"]) == ("error", "invalid_schema", "0.000000000000")
