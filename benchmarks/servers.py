"""The servers that are measured: ours, the hand-written floor, LiteLLM, MLflow - and the upstream they ask."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

HERE = Path(__file__).parent

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "flask-aiagents-bench"
"""Where peers are installed, apart from us."""

LITELLM = "litellm[proxy]==1.106.2"

MLFLOW = ("mlflow==3.17.0", "psycopg2-binary")

MASTER_KEY = "sk-bench"


@dataclass(frozen=True, slots=True)
class Server:
    """A server under load: where to post an execution, and what its processes cost."""

    name: str
    url: str
    headers: dict[str, str]
    body: str
    stream_body: str
    process: psutil.Process

    def cpu_s(self) -> float:
        """User and system time of all its processes so far."""
        times = [process.cpu_times() for process in self._family()]
        return sum(time.user + time.system for time in times)

    def memory_mb(self) -> float:
        """Of the process that serves: the largest; gunicorn's arbiter is none."""
        return max(process.memory_info().rss for process in self._family()) / 1e6

    def _family(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def running(command: list[str], ready_url: str, wait_s: float = 90, **env: str) -> Iterator[psutil.Process]:
    """A process, from when its URL answers."""
    paths = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": paths} | env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + wait_s
        while True:
            with suppress(requests.RequestException):
                requests.get(ready_url, timeout=2)
                break
            if time.monotonic() > until or process.poll() is not None:
                raise RuntimeError(f"{command[0]} did not start; run it by hand to see why: {' '.join(command)}")
            time.sleep(0.2)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()


@contextmanager
def upstream(folder: Path, delay_ms: int = 0) -> Iterator[str]:
    """The stub: fixed answers, ten thousand a second. Returns its base URL."""
    binary = folder / "stub"
    if not binary.exists():
        subprocess.run(["cc", "-O2", "-o", str(binary), str(HERE / "stub.c")], check=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running([str(binary), str(port), str(delay_ms), "0", "16"], url):
        yield f"{url}/v1"


def gunicorn(module: str, port: int) -> list[str]:
    """One gthread worker, as documented."""
    options = f"-k gthread -w 1 --threads 32 -b 127.0.0.1:{port} --log-level error"
    return [sys.executable, "-m", "gunicorn", *options.split(), module]


def peer_python(name: str, *packages: str) -> Path | None:
    """A peer in an environment of its own; None when it cannot be had."""
    python = CACHE / name / "bin" / "python"
    if (python.parent / name).exists():
        return python
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", str(CACHE / name)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True, timeout=900)
    except (subprocess.SubprocessError, OSError):
        return None
    return python


@contextmanager
def litellm(folder: Path, base_url: str) -> Iterator[Server | None]:
    """LiteLLM's proxy: one worker, no database, a master key."""
    python = peer_python("litellm", LITELLM)
    if python is None:
        yield None
        return
    config = folder / "litellm.yaml"
    config.write_text(
        "model_list:\n  - model_name: gpt-4o-mini\n    litellm_params:\n      model: openai/gpt-4o-mini\n"
        f"      api_base: {base_url}\n      api_key: sk-upstream\ngeneral_settings:\n  master_key: {MASTER_KEY}\n"
    )
    port = free_port()
    command = [str(python.parent / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR"}
    url = f"http://127.0.0.1:{port}"
    messages = '"messages": [{"role": "user", "content": "Hello"}]'
    with running([*command, "--telemetry", "False"], f"{url}/health/liveliness", 180, **environment) as process:
        yield Server(
            "LiteLLM",
            f"{url}/v1/chat/completions",
            {"Authorization": f"Bearer {MASTER_KEY}"},
            f'{{"model": "gpt-4o-mini", {messages}}}',
            f'{{"model": "gpt-4o-mini", "stream": true, {messages}}}',
            process,
        )


@contextmanager
def mlflow(folder: Path, uri: str) -> Iterator[Server | None]:
    """MLflow's tracking server with its traces in a database: one worker, nothing sent home."""
    python = peer_python("mlflow", *MLFLOW)
    if python is None:
        yield None
        return
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    options = f"server --backend-store-uri {uri} --artifacts-destination {folder} --host 127.0.0.1 --workers 1"
    command = [str(python.parent / "mlflow"), *options.split(), "--port", str(port)]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with running(command, f"{url}/health", 180, **quiet) as process:
        headers = {"X-Mlflow-Experiment-Id": "0", "Content-Type": "application/x-protobuf"}
        yield Server("MLflow", f"{url}/v1/traces", headers, "", "", process)
