from __future__ import annotations

import json
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

from example_app import create_app
from example_app.cast import ALICE, ROOT
from example_app.settings import database_uri
from flask_aiagents import current_aiagents

Running = Callable[..., Any]
Start = Callable[..., subprocess.Popen[str]]


def names(demo: dict[str, Any], user: str = "root") -> list[str]:
    headers = {"X-API-Key": demo["users"][user]["api_key"]}
    agents = requests.get(demo["api"] + "/ai_agents", headers=headers, timeout=30).json()
    return sorted(agent["name"] for agent in agents)


def test_a_restart_keeps_everything_and_doubles_nothing(run_example: Running, tmp_path: Path) -> None:
    """The second start has the same users, keys and agents, also one that was made in between, and no run that was
    not there: these begin without a past."""
    with run_example(tmp_path) as first:
        alice = {"X-API-Key": first["users"]["alice"]["api_key"]}
        body = {"name": "Mine", "model_config": {"provider": "offline", "model": "offline"}}
        assert requests.post(first["api"] + "/ai_agents", json=body, headers=alice, timeout=30).status_code == 201
        before = names(first)
    with run_example(tmp_path) as second:
        assert second["users"] == first["users"]
        assert names(second) == before
        summary = requests.get(second["api"] + "/ai_agent_analytics/summary?last=60d", headers=alice, timeout=30)
        assert summary.json()["executions"] == 0
    assert "Mine" in before
    assert len(before) == 9


def test_demo_json_and_secrets_are_for_their_owner_alone(run_example: Running, tmp_path: Path) -> None:
    """Nobody else on the machine reads keys; the file names url, login, api and everyone."""
    with run_example(tmp_path) as demo:
        assert demo["login"] == demo["url"] + "/login"
        assert demo["api"] == demo["url"] + "/api"
        assert demo["admin"] == demo["url"] + "/admin/aiagents/dashboard/"
        assert demo["users"]["root"]["tenant"] is None
        assert {name: user["tenant"] for name, user in demo["users"].items()} == {
            "alice": "acme",
            "bob": "acme",
            "charlie": "globex",
            "root": None,
        }
    for name in ("demo.json", "secrets.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_key_that_no_longer_works_is_made_anew(run_example: Running, tmp_path: Path) -> None:
    """Of a damaged demo.json the good keys stay and the bad ones are replaced."""
    with run_example(tmp_path) as first:
        pass
    first["users"]["bob"]["api_key"] = "aia_wrong"
    (tmp_path / "demo.json").write_text(json.dumps(first))
    with run_example(tmp_path) as second:
        assert second["users"]["alice"] == first["users"]["alice"]
        assert len(names(second, "bob")) == 6


def test_a_second_start_on_the_same_port_says_so(
    run_example: Running, start_example: Start, tmp_path: Path
) -> None:
    """Where the demo already runs, the second one says where and ends well; a foreign server is an error."""
    with run_example(tmp_path) as demo:
        port = demo["url"].rpartition(":")[2]
        again = start_example(tmp_path, PORT=port)
        output = again.communicate(timeout=60)[0]
        assert again.returncode == 0
        assert "already runs" in output
        assert names(demo)
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        other = start_example(tmp_path, PORT=str(foreign.getsockname()[1]))
        output = other.communicate(timeout=60)[0]
        assert other.returncode == 1
        assert "Try PORT=" in output


def test_f23_four_cold_starts_at_once(start_example: Start, tmp_path: Path) -> None:
    """Four processes on an empty database all serve, and the seed is there once."""
    processes = [start_example(tmp_path, EXAMPLE_PAST="1") for _ in range(4)]
    try:
        for process in processes:
            assert process.stdout is not None
            assert any("Stop with Ctrl-C" in line for line in process.stdout), "it ended early"
        demo = json.loads((tmp_path / "demo.json").read_text())
        assert len(names(demo)) == 8
    finally:
        for process in processes:
            process.terminate()
        outputs = [process.communicate(timeout=15)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0], outputs


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Flask:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EXAMPLE_INSTANCE", str(tmp_path))
    monkeypatch.setenv("EXAMPLE_PAST", "0")
    monkeypatch.setenv("AIAGENTS_ALLOWED_HOSTS", "127.0.0.1, models.example")
    monkeypatch.setenv("AIAGENTS_DATABASE_URI", f"sqlite:///{tmp_path}/other.db")
    return create_app()


def test_every_setting_of_the_environment_reaches_the_app(configured: Flask, tmp_path: Path) -> None:
    """AIAGENTS_* variables are settings, and one database serves host and agents."""
    settings = configured.extensions["aiagents"].settings
    assert settings.allowed_hosts == ("127.0.0.1", "models.example")
    assert configured.config["SQLALCHEMY_DATABASE_URI"] == f"sqlite:///{tmp_path}/other.db"
    result = configured.test_cli_runner().invoke(args=["prepare"])
    assert result.exit_code == 0, result.output
    assert configured.test_cli_runner().invoke(args=["aiagents", "doctor"]).exit_code == 0
    assert (tmp_path / "other.db").exists()
    assert not (tmp_path / "example.db").exists()


def test_database_uris_get_the_driver_that_is_installed() -> None:
    """What platforms call DATABASE_URL works as it is."""
    assert database_uri("postgres://u@h/d") == "postgresql+psycopg://u@h/d"
    assert database_uri("mysql://u@h/d") == "mysql+pymysql://u@h/d"
    assert database_uri("sqlite:///x.db") == "sqlite:///x.db"


def test_seeded_agents_use_the_provider_that_there_is(configured: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key they are offline; a key that comes later is used, but not where somebody chose a model."""
    runner = configured.test_cli_runner()

    def models() -> dict[str, str]:
        with configured.app_context():
            agents = current_aiagents.agents.list(principal=ROOT.principal).items
            return {agent["name"]: agent["model_config"]["model"] for agent in agents}

    assert runner.invoke(args=["prepare"]).exit_code == 0
    assert set(models().values()) == {"offline"}
    with configured.app_context():
        mine = next(a for a in current_aiagents.agents.list(principal=ALICE.principal).items if a["tenant_id"])
        current_aiagents.agents.update(mine["id"], {"model_config": {"temperature": 0}}, principal=ALICE.principal)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-used")
    assert runner.invoke(args=["prepare"]).exit_code == 0
    changed = models()
    assert changed.pop(mine["name"]) == "offline"
    assert set(changed.values()) == {"gpt-4o-mini"}
