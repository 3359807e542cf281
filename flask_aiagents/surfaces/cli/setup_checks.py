"""What the doctor asks of the configuration and the process."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from ...core.clock import utcnow
from ...llm.prices import catalogue_age
from ...web.servers import ADVICE, likely_adapter
from .findings import Finding

SPARE_THREADS = 8
"""Threads of the server that are left for requests which take no slot."""

PRICES_KEEP = timedelta(days=180)
"""How old the price catalogue may be: providers change prices a few times a year."""


def encryption_key(system: Any) -> Iterator[Finding]:
    """Without a key no secret can be stored; where some are stored, ``secrets_open`` finds the problem."""
    if not system.settings.encryption_keys:
        yield Finding(
            "advice",
            "There is no encryption key, so no provider key can be stored.",
            "Make one with: python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())' "
            "and set AIAGENTS_ENCRYPTION_KEYS.",
        )


def rate_limit_is_shared(system: Any) -> Iterator[Finding]:
    """Each process counts for itself in memory."""
    settings = system.settings
    if not settings.rate_limit or settings.rate_limit_storage_uri != "memory://":
        return
    if int(os.environ.get("WEB_CONCURRENCY", "1")) > 1 or system.database.engine.dialect.name != "sqlite":
        yield Finding(
            "advice",
            "Rate limits are counted in each process's own memory, so several processes allow a multiple.",
            "Set AIAGENTS_RATE_LIMIT_STORAGE_URI=redis://... if several processes serve.",
        )


def threads_are_real(_: Any) -> Iterator[Finding]:
    """Models are asked on a thread with an event loop of its own, which green threads break."""
    asked = os.environ.get("GUNICORN_CMD_ARGS", "")
    for name in ("gevent", "eventlet"):
        if name in asked or _patched(name):
            yield Finding(
                "problem",
                f"{name} replaces threads here; executions refuse to run.",
                "Use gunicorn's gthread worker.",
            )


def server_reports_readers(_: Any) -> Iterator[Finding]:
    """Adapters of ASGI servers never notice that the reader of a stream left."""
    name = "uvicorn" if "uvicorn" in os.environ.get("GUNICORN_CMD_ARGS", "") else likely_adapter()
    if name is not None:
        yield Finding(
            "advice",
            f"{name} serves a WSGI app through an adapter: it reports no reader that leaves and has few threads.",
            ADVICE,
        )


def threads_are_left(system: Any) -> Iterator[Finding]:
    """Threads that all slots take leave none for lists and health."""
    threads, limit = _gunicorn_threads(), system.settings.max_running
    if threads is not None and (not limit or limit + SPARE_THREADS > threads):
        yield Finding(
            "advice",
            f"The server has {threads} threads, and AIAGENTS_MAX_RUNNING lets {limit or 'any number of'} "
            "executions, log streams and exports take one each for long.",
            f"Serve with --threads {(limit or threads) + SPARE_THREADS}, or set "
            f"AIAGENTS_MAX_RUNNING={max(1, threads - SPARE_THREADS)}.",
        )


def prices_are_fresh(_: Any) -> Iterator[Finding]:
    """Prices come with genai-prices and age with it."""
    age = catalogue_age(utcnow())
    if age is not None and age > PRICES_KEEP:
        yield Finding(
            "advice",
            f"The price catalogue is {age.days} days old: newer models are logged without a cost.",
            "Run: pip install --upgrade genai-prices; or set AIAGENTS_PRICES.",
        )


def _gunicorn_threads() -> int | None:
    """Return a worker's threads from gunicorn's environment or configuration file, None when neither has them."""
    asked = os.environ.get("GUNICORN_CMD_ARGS", "")
    file = re.search(r"(?:-c|--config)[ =](?:file:)?(\S+)", asked)
    path = Path(file[1] if file else "gunicorn.conf.py")
    text = path.read_text(errors="replace") if path.is_file() else ""
    found = re.search(r"--threads[ =](\d+)", asked) or re.search(r"^threads *= *(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else None


def _patched(name: str) -> bool:
    monkey = sys.modules.get(f"{name}.monkey") or sys.modules.get(f"{name}.patcher")
    patched = getattr(monkey, "is_module_patched", None) or getattr(monkey, "is_monkey_patched", None)
    return bool(patched and patched("thread" if name == "eventlet" else "threading"))
