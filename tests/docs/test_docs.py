from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest
from blocks import PAGES, ROOT, blocks, page, pages_with
from flask import Flask
from support.cast import ALICE, Clients, make_agent
from support.hosts import close, make_host
from werkzeug.serving import make_server

from flask_aiagents.config import Settings
from flask_aiagents.testing import client_as

HOST_MODULE = """
from support.hosts import make_host

app = make_host({uri!r})
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module for a page's blocks to run in, with its file in a folder of its own."""
    module = ModuleType("documented")
    module.__file__ = str(tmp_path / "documented.py")
    monkeypatch.setitem(sys.modules, "documented", module)
    monkeypatch.chdir(tmp_path)
    return module


@pytest.mark.parametrize("name", pages_with("python"))
def test_python_blocks_run(name: str, module: ModuleType) -> None:
    """Every Python block of a page runs, one after the other."""
    module.__dict__["app"] = Flask("documented")
    for block in blocks(page(name), "python"):
        exec(compile(block, name, "exec"), module.__dict__)


def test_the_commands_of_the_quickstart_run_an_agent(module: ModuleType) -> None:
    """The quickstart's app sets itself up and runs its first agent from its own code."""
    for block in blocks(page("quickstart.md"), "python"):
        exec(block, module.__dict__)
    app = module.__dict__["create_app"]()
    runner = app.test_cli_runner()
    for command in (["setup"], ["aiagents", "db", "upgrade"], ["greet"]):
        result = runner.invoke(args=command)
        assert result.exit_code == 0, result.output
    assert "Hello!" in result.output
    close(app)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A host on loopback and the environment in which the pages' commands run against it."""
    folder = tmp_path_factory.mktemp("docs")
    uri = f"sqlite:///{folder}/host.db"
    app = make_host(uri)
    (folder / "host.py").write_text(HOST_MODULE.format(uri=uri))
    agent = make_agent(Clients.of(app).alice, "Documented")
    key = client_as(app, ALICE).post("/api/ai_agent_api_keys", json={"name": "docs"}).json
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield os.environ | {
        "API": f"http://127.0.0.1:{server.port}/api",
        "KEY": (key or {})["token"],
        "AGENT": agent["id"],
        "FLASK_APP": str(folder / "host.py"),
        "PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT}",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    server.shutdown()
    server.server_close()
    close(app)


@pytest.mark.parametrize("name", pages_with("bash"))
def test_shell_blocks_run(name: str, served: dict[str, str], tmp_path: Path) -> None:
    """Every command of a page ends well, and what curl shows is no error body."""
    for block in blocks(page(name), "bash"):
        block = block.replace("flask aiagents doctor", "flask aiagents doctor || true")
        done = subprocess.run(
            ["bash", "-euc", block],
            env=served,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        assert '"hint":' not in done.stdout, f"{block}\n{done.stdout}"


def test_every_setting_has_its_row() -> None:
    """The table of settings and the settings are the same set."""
    told = set(re.findall(r"^\| `(AIAGENTS_\w+)`", page("configuration.md").read_text(), re.MULTILINE))
    assert told == {f"AIAGENTS_{field.name.upper()}" for field in fields(Settings)}


@pytest.mark.parametrize("found", PAGES, ids=lambda found: found.name)
def test_links_lead_somewhere(found: Path) -> None:
    """A link to a file of the repository leads to one."""
    for target in re.findall(r"\]\(([^)#:]+)\)", found.read_text()):
        assert (found.parent / target).exists(), target
