"""README and quickstart, followed as a reader would: nothing is there but Python, the clone and the page."""

from __future__ import annotations

import faulthandler
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import pytest
from blocks import ROOT, page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CLONE = ("flask_aiagents", "migrations", "flask_aiagents_alembic.py", "setup.cfg", "pyproject.toml", "README.md")

INSTALLED_WITHIN_S = 900
"""Generous: a fresh environment downloads everything."""

pytestmark = pytest.mark.slow


def _clone(folder: Path) -> None:
    """The files that an installation needs: a build leaves traces beside its source."""
    folder.mkdir()
    for name in (*CLONE, "LICENSE"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)


def _environment(port: int) -> dict[str, str]:
    foreign = ("AIAGENTS_", "FLASK_", "PYTHON", "VIRTUAL_ENV", "OPENAI_", "ANTHROPIC_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    return kept | {
        "PATH": f"{sys.base_prefix}/bin{os.pathsep}{os.environ['PATH']}",
        "FLASK_RUN_PORT": str(port),  # the page says 5000, which may be taken here
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def _followed(name: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """Save the page's file, run its commands in one shell, and yield where its last one serves."""
    text, port = page(name).read_text(), _free_port()
    saved = re.findall(r"Save this as `([\w.]+)`.*?```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    commands = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert saved, "the page names no file"
    for file, code in saved:
        (folder / file).write_text(code)
    log = folder / "output.txt"
    with log.open("w") as output:
        shell = subprocess.Popen(
            ["bash", "-euc", "".join(commands)],
            cwd=folder,
            env=_environment(port),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(shell, port, log)
        yield f"http://127.0.0.1:{port}", log
    finally:
        os.killpg(shell.pid, signal.SIGTERM)
        shell.wait(30)


def _wait(shell: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + INSTALLED_WITHIN_S
    while time.monotonic() < until and shell.poll() is None:
        try:
            build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}/login", timeout=30)
            return
        except URLError:
            time.sleep(0.5)
    pytest.fail(f"The page's commands do not end in a server:\n{log.read_text()}")


def _log_in(browser: Browser, url: str) -> Page:
    page = browser.new_page()
    page.goto(f"{url}/aiagents/")
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill("wonderland")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Agents", exact=True).click()
    return page


def _ask(page: Page, agent: str) -> None:
    from playwright.sync_api import expect

    page.get_by_role("link", name=f"Run {agent}").click()
    page.get_by_label("Message").fill("Hello from the page!")
    page.get_by_role("button", name="Send").click()
    answer = page.get_by_role("article", name="Answer")
    expect(answer).to_have_attribute("aria-busy", "false")
    expect(answer).to_contain_text("Hello from the page!")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder beside a clone."""
    faulthandler.cancel_dump_traceback_later()  # an installation may take longer than a test
    _clone(tmp_path / "flask-aiagents")
    (folder := tmp_path / "shop").mkdir()
    return folder


def test_the_readme_leads_to_an_answer(folder: Path, browser: Browser) -> None:
    """Install, save, migrate, serve, log in, create an agent, run it: the README says all that this takes."""
    with _followed("README.md", folder) as (url, log):
        page = _log_in(browser, url)
        page.get_by_role("link", name="Create the first agent").click()
        form = page.get_by_role("dialog")
        form.get_by_label("Name", exact=True).fill("Greeter")
        form.locator("#provider").select_option("offline")
        form.get_by_role("button", name="Create the agent").click()
        _ask(page, "Greeter")
        page.close()
    assert "Traceback" not in log.read_text()


def test_the_quickstart_leads_to_an_answer(folder: Path, browser: Browser) -> None:
    """The quickstart's commands run an agent from the app's own code, which then answers in the panel, too."""
    with _followed("quickstart.md", folder) as (url, log):
        assert "Hello!" in log.read_text()
        page = _log_in(browser, url)
        _ask(page, "Order desk")
        page.close()
    assert "Traceback" not in log.read_text()
