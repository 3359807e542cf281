from __future__ import annotations

import importlib

import pytest

from flask_aiagents.llm import retry


@pytest.fixture(autouse=True)
def _quick_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between tries are real, only shorter."""
    monkeypatch.setattr(retry, "BACKOFF_S", 0.02)


@pytest.fixture(autouse=True, scope="session")
def _loaded() -> None:
    """The HTTP client is loaded before a test looks at the clock: that takes a moment, once a process."""
    importlib.import_module("flask_aiagents.net.client")
