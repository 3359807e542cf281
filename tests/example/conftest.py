from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent

STARTS_WITHIN_S = 60
"""Generous, for a busy machine; it takes about eight seconds, most of them for the made-up past."""


def environment(instance: Path, **more: str) -> dict[str, str]:
    """This process's environment without what would lead the example to a real model or another database."""
    foreign = ("AIAGENTS_", "OPENAI_", "ANTHROPIC_", "DATABASE_URL", "HOST", "PORT")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    return kept | {"EXAMPLE_INSTANCE": str(instance), "EXAMPLE_PAST": "0", "PORT": "0"} | more


def start(instance: Path, **more: str) -> subprocess.Popen[str]:
    """``python -m example_app`` as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "example_app"],
        cwd=ROOT,
        env=environment(instance, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for_demo(instance: Path, process: subprocess.Popen[str], than: float = 0) -> dict[str, Any]:
    """What ``demo.json`` says once the process has written it."""
    path, until = instance / "demo.json", time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until:
        if path.exists() and path.stat().st_mtime_ns > than:
            return json.loads(path.read_text())
        if process.poll() is not None:
            break
        time.sleep(0.05)
    process.kill()
    pytest.fail(f"The example did not start: {process.communicate()[0]}")


def stop(process: subprocess.Popen[str]) -> tuple[int, str]:
    """End it as a terminal or a supervisor does; exit code and output."""
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=15)[0]
    return process.returncode, output


@contextlib.contextmanager
def running(instance: Path, **more: str) -> Iterator[dict[str, Any]]:
    """The example, serving; it must end cleanly."""
    written = (instance / "demo.json").stat().st_mtime_ns if (instance / "demo.json").exists() else 0
    process = start(instance, **more)
    try:
        yield wait_for_demo(instance, process, written)
    finally:
        code, output = stop(process)
    assert code == 0, output
    assert "Traceback" not in output


Running = Callable[..., AbstractContextManager[dict[str, Any]]]


@pytest.fixture(scope="session")
def run_example() -> Running:
    return running


@pytest.fixture(scope="session")
def start_example() -> Callable[..., subprocess.Popen[str]]:
    return start


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """One example, with its past, for the tests of a module."""
    with running(tmp_path_factory.mktemp("instance"), EXAMPLE_PAST="1") as demo:
        yield demo
