from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HOST = """
import os
from flask import Flask
from flask_aiagents import AIAgents
app = Flask(__name__)
app.config.update(SECRET_KEY="x", AIAGENTS_DATABASE_URI=os.environ["HOST_DATABASE"])
AIAgents(app)
"""


def test_f23_four_workers_upgrade_an_empty_database_at_once(database_uri: str, tmp_path: Path) -> None:
    """One makes the tables while the others wait: all four end well, and the tables are whole."""
    (tmp_path / "cold_host.py").write_text(HOST)
    command = [sys.executable, "-m", "flask", "--app", "cold_host", "aiagents", "db"]
    environ = {"HOST_DATABASE": database_uri, "PATH": ""}

    def start(*args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*command, *args],
            cwd=tmp_path,
            env=environ,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    workers = [start("upgrade") for _ in range(4)]
    outputs = [worker.communicate(timeout=120)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0, 0], outputs
    check = start("check")
    assert check.communicate(timeout=60)[0].strip() == "The tables are as they should be."
