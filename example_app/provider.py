"""Which model the seeded agents ask: the best one that this machine has a way to."""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.request import ProxyHandler, build_opener

OFFLINE = {"provider": "offline", "model": "offline"}

_OLLAMA = "http://localhost:11434/api/tags"
_PATIENCE_S = 0.3


def available() -> dict[str, Any]:
    """Provider and model, ready for ``model_config``."""
    if os.environ.get("OPENAI_API_KEY"):
        return {"provider": "openai", "model": "gpt-4o-mini"}
    if os.environ.get("ANTHROPIC_API_KEY"):
        return {"provider": "anthropic", "model": "claude-haiku-4-5"}
    if model := _first_ollama_model():
        return {"provider": "ollama", "model": model}
    return OFFLINE


def _first_ollama_model() -> str | None:
    try:
        # a proxy of the environment knows nothing of this machine's own ports
        with build_opener(ProxyHandler({})).open(_OLLAMA, timeout=_PATIENCE_S) as answer:
            models = json.load(answer)["models"]
            return models[0]["name"] if models else None
    except (OSError, ValueError, LookupError, TypeError):
        return None  # nobody there, or something else listens on that port
