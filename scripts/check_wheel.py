"""Build the wheel, install it where there is no source, and use it: what ships must be enough."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent

MODULE = "flask_aiagents_alembic.py"
"""The plugin of Alembic, beside the package."""

SOURCES = ("flask_aiagents", "migrations", MODULE, "setup.cfg", "pyproject.toml", "README.md", "LICENSE")

HOST = """
from flask import Flask
from flask_aiagents import AIAgents
app = Flask(__name__)
app.config.update(SECRET_KEY="x", AIAGENTS_DATABASE_URI="sqlite:///wheel.db")
AIAGENTS = AIAgents(app)
"""

USE = """
import flask_aiagents, host
from flask_aiagents import Principal, Role
from flask_aiagents.testing import client_as
assert "site-packages" in flask_aiagents.__file__, flask_aiagents.__file__
client = client_as(host.app, Principal("alice", "acme", Role.TENANT_ADMIN))
assert client.get("/api/openapi.json").json["openapi"].startswith("3.1")
assert client.get("/api/docs").status_code == 200
assert client.get("/api/docs/assets/swagger-ui.css").status_code == 200
assert "No agents yet" in client.get("/aiagents/agents/").text
for asset in ("assets/panel.css", "assets/vendor/htmx.min.js", "static/vendor/jquery.min.js"):
    assert client.get(f"/aiagents/{asset}").status_code == 200, asset
assert "Noch keine Agenten" in client.get("/aiagents/agents/", headers={"Accept-Language": "de"}).text
config = {"provider": "offline", "model": "offline"}
agent = client.post("/api/ai_agents", json={"name": "Wheel", "model_config": config}).json
answer = client.post(f"/api/ai_agents/{agent['id']}/execute", json={"input": "Hello!"})
assert answer.status_code == 200, answer.text
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder)
        compare(wheel)
        use(folder, wheel)
    print(f"{wheel.name}: complete, and works without the source.")  # noqa: T201  # a program's own words


def build(folder: Path) -> Path:
    """The wheel, built from a copy: a build/ folder left by an earlier one would get into it."""
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source))
    return next(folder.glob("*.whl"))


def compare(wheel: Path) -> None:
    """Every file of the package is in the wheel, and nothing else."""
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    wanted = {
        MODULE,
        *_files("flask_aiagents", "flask_aiagents"),
        *_files("migrations", "flask_aiagents/migrations"),
    }
    if inside != wanted:
        sys.exit(f"Missing: {sorted(wanted - inside)}; too much: {sorted(inside - wanted)}. Fix setup.cfg.")


def use(folder: Path, wheel: Path) -> None:
    """A host in an environment of its own makes the tables, asks for the documents and runs an agent."""
    python = folder / "venv" / "bin" / "python"
    _run(sys.executable, "-m", "venv", str(folder / "venv"))
    _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel))
    (folder / "host.py").write_text(HOST, encoding="utf-8")
    _run(str(python), "-m", "flask", "--app", "host", "aiagents", "db", "upgrade", cwd=folder)
    _run(str(python), "-m", "flask", "--app", "host", "aiagents", "db", "check", cwd=folder)
    _run(str(python), "-c", USE, cwd=folder)


def _files(source: str, target: str) -> set[str]:
    found = (path for path in (ROOT / source).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {f"{target}/{path.relative_to(ROOT / source).as_posix()}" for path in found}


def _run(*command: str, cwd: Path = ROOT) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("AIAGENTS_")}
    subprocess.run(command, cwd=cwd, check=True, env=environ)  # noqa: S603  # our own commands


if __name__ == "__main__":
    main()
