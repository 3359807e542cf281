"""Calls to the fake provider, for tests of the engine itself."""

from __future__ import annotations

from typing import Any

from flask_aiagents.llm.messages import Call, Limits, Message, Target

from .server import Upstream

KEY = "sk-canary-3f9a"
"""A key that must turn up nowhere but at the provider."""


def target(upstream: Upstream, provider: str = "openai", model: str = "gpt-4o-mini") -> Target:
    return Target(provider=provider, model=model, base_url=upstream.base_url, api_key=KEY)


def call(upstream: Upstream, text: str = "Hello", **options: Any) -> Call:
    """A call to ``openai`` at the fake provider; ``provider``, ``model``, and any field of Call and Limits."""
    where = target(upstream, options.pop("provider", "openai"), options.pop("model", "gpt-4o-mini"))
    limits = {name: options.pop(name) for name in list(options) if name in Limits.__dataclass_fields__}
    defaults: dict[str, Any] = {
        "targets": (where,),
        "messages": (Message(role="user", content=text),),
        "limits": Limits(**limits),
        "allowed_hosts": ("127.0.0.1",),
    }
    return Call(**{**defaults, **options})
