"""A host served by gunicorn, as processes of their own that can be killed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests


@dataclass(frozen=True, slots=True)
class Served:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()


@contextmanager
def gunicorn(folder: Path, module: str, threads: int = 64) -> Iterator[Served]:
    """gunicorn with one gthread worker, serving the ``app`` of a module with this text."""
    (folder / "served_host.py").write_text(module)
    port = _free_port()
    tests = Path(__file__).parents[1]
    options = f"-k gthread -w 1 --threads {threads} -b 127.0.0.1:{port} --graceful-timeout 2 --log-level error"
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *options.split(), "served_host:app"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (folder, tests, tests.parent)))},
    )
    server = Served(f"http://127.0.0.1:{port}", process)
    try:
        _wait(server)
        yield server
    finally:
        process.terminate()
        process.wait(15)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait(server: Served) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            requests.get(f"{server.url}/api/health", timeout=2).raise_for_status()
        except requests.RequestException:
            assert time.monotonic() < until, "gunicorn did not start"
            time.sleep(0.1)
        else:
            return
