"""The providers, and from a target to a model that can be asked.

A new provider is one line in :data:`PROVIDERS`, and one builder in ``dialects`` if it speaks a dialect of its own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..net import guard
from . import offline
from .messages import Call, Target
from .protocol import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A place where models are."""

    name: str
    dialect: str | None
    """The builder in ``dialects``; None: in this process."""
    origin: str | None = None
    """Where it is unless a base_url says otherwise."""
    path: str = "/v1"
    """What follows the origin, also that of a base_url that is nothing but an origin."""
    env_keys: tuple[str, ...] = ()
    """Environment variables that may hold the operator's key."""
    needs_key: bool = False

    def place(self, base_url: str | None) -> tuple[str, str] | None:
        """Return origin and path of its requests: the base_url's, else its own; None when it has neither."""
        if base_url is None:
            return (self.origin, self.path) if self.origin else None
        return guard.origin(base_url), guard.path(base_url) or self.path

    def url(self, target: Target) -> str | None:
        """The URL that the dialect is given, made of parts that were judged."""
        return None if (place := self.place(target.base_url)) is None else "".join(place)

    def hosts(self, target: Target, call: Call) -> tuple[str, ...]:
        """The hosts that this target may reach without being public: ours, where nobody chose another."""
        if target.base_url is None and self.origin and self.origin.startswith("http://"):
            return (*call.allowed_hosts, self.origin.split("/")[2].split(":")[0])
        return call.allowed_hosts


_ALL = (
    Provider(
        name="openai",
        dialect="openai",
        origin="https://api.openai.com",
        env_keys=("OPENAI_API_KEY",),
        needs_key=True,
    ),
    Provider(
        name="anthropic",
        dialect="anthropic",
        origin="https://api.anthropic.com",
        path="",
        env_keys=("ANTHROPIC_API_KEY",),
        needs_key=True,
    ),
    Provider(
        name="groq",
        dialect="groq",
        origin="https://api.groq.com",
        path="/openai/v1",
        env_keys=("GROQ_API_KEY",),
        needs_key=True,
    ),
    Provider(name="ollama", dialect="ollama", origin="http://localhost:11434"),
    Provider(name="openai_compatible", dialect="openai_compatible"),
    Provider(name="offline", dialect=None),
)

PROVIDERS: Mapping[str, Provider] = {provider.name: provider for provider in _ALL}
"""Every provider that an agent may name."""


def default_origin(provider: str) -> str | None:
    """Where a provider is when no base_url is given; None when it has no place of its own."""
    return PROVIDERS[provider].origin


BUILT_MODELS = 256
"""Models that are kept ready, with their clients; the least recently used goes first."""


class Models:
    """Models made from targets, kept for the next call. Belongs to the loop thread."""

    def __init__(self) -> None:
        self._built: OrderedDict[tuple[object, ...], Model] = OrderedDict()
        self._clients: dict[tuple[str, ...], Any] = {}

    def get(self, target: Target, call: Call) -> Model:
        """The model for a target; the whole credential is part of what it is found by."""
        provider = PROVIDERS[target.provider]
        hosts = provider.hosts(target, call)
        key = (target.provider, target.model, target.base_url, target.api_key, hosts)
        if key not in self._built:
            self._built[key] = self._build(provider, target, hosts)
            if len(self._built) > BUILT_MODELS:
                self._built.popitem(last=False)
        self._built.move_to_end(key)
        return self._built[key]

    def _build(self, provider: Provider, target: Target, hosts: tuple[str, ...]) -> Model:
        if provider.dialect is None:
            return offline.OfflineModel(target.model)
        from . import dialects, transport  # heavy: the SDKs

        # One client, and so one connection pool, for all keys and providers that may reach the same hosts.
        if hosts not in self._clients:
            self._clients[hosts] = transport.client(hosts)
        return dialects.build(provider, target, self._clients[hosts])
