"""The providers: where each is, which protocol it speaks, and what is known of its models.

One that speaks OpenAI's protocol is one row here, and one twin in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from ..net import guard
from .messages import Call, Target

AdapterName: TypeAlias = Literal["openai_chat", "openai_responses", "anthropic_messages"]

CHAT_PARAMETERS = frozenset(
    {
        *("temperature", "top_p", "max_tokens", "stop", "seed", "presence_penalty", "frequency_penalty"),
        *("reasoning_effort", "parallel_tool_calls", "tool_choice", "extra_body"),
    }
)
"""Keys of ``model_config`` that OpenAI's chat completions have."""

RESPONSES_PARAMETERS = CHAT_PARAMETERS - {"stop", "seed", "presence_penalty", "frequency_penalty"}
"""Keys of ``model_config`` that OpenAI's responses have."""

PARAMETERS = CHAT_PARAMETERS | {"api", "api_version"}
"""Keys of ``model_config`` that only some providers have."""

_ALL = ".*"
_NONE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A place where models are."""

    name: str
    adapter: AdapterName | None = "openai_chat"
    """The protocol; None: in this process."""
    origin: str | None = None
    """Origin of its requests unless a base_url names another."""
    path: str = "/v1"
    """Path behind the origin, also that of a base_url that is nothing but an origin."""
    env_keys: tuple[str, ...] = ()
    """Environment variables that may hold the operator's key."""
    needs_key: bool = False
    key_header: str = "authorization"
    """The header that carries the key; ``authorization`` as a bearer token."""
    prices: str | None = None
    """Its name in the price catalogue; None: its models have no known price."""
    parameters: frozenset[str] = CHAT_PARAMETERS
    """Keys of ``model_config`` that it has."""
    max_tokens: str = "max_tokens"
    """The field that bounds the answer."""
    schemas: str = _NONE
    """Models that take a JSON Schema themselves, as a pattern; others are asked in words."""
    json_mode: bool = False
    """True if those others can at least be held to JSON."""
    refuses: tuple[tuple[str, frozenset[str]], ...] = ()
    """Patterns of models, and fields of a request that these are known to refuse."""
    renames: Mapping[str, str] | None = None
    """Fields that have another name than OpenAI's."""

    def place(self, base_url: str | None) -> tuple[str, str] | None:
        """Return origin and path of its requests: the base_url's, else its own; None when it has neither."""
        if base_url is None:
            return (self.origin, self.path) if self.origin else None
        return guard.origin(base_url), guard.path(base_url) or self.path

    def url(self, target: Target) -> str:
        """Return the URL below which the protocol's paths are, made of parts that were judged."""
        return "".join(self.place(target.base_url) or ())

    def hosts(self, target: Target, call: Call) -> tuple[str, ...]:
        """Return the hosts that this target may reach without being public: ours, where nobody chose another."""
        if target.base_url is None and self.origin and self.origin.startswith("http://"):
            return (*call.allowed_hosts, self.origin.split("/")[2].split(":")[0])
        return call.allowed_hosts

    def protocol(self, target: Target) -> AdapterName:
        """Return the adapter for a target outside of this process."""
        assert self.adapter is not None, "the offline model speaks no protocol"  # noqa: S101  # for types
        return "openai_responses" if target.api == "responses" and "api" in self.parameters else self.adapter

    def known_refusals(self, model: str) -> frozenset[str]:
        """Return the fields that a model is known to refuse."""
        return _known_refusals(self.refuses, model)

    def takes_schema(self, model: str) -> bool:
        """Return whether a model takes a JSON Schema itself."""
        return re.fullmatch(self.schemas, model) is not None


@lru_cache(maxsize=1024)
def _known_refusals(refuses: tuple[tuple[str, frozenset[str]], ...], model: str) -> frozenset[str]:
    return frozenset[str]().union(*(names for models, names in refuses if re.fullmatch(models, model)))


_SAMPLING = frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty", "stop"})
_OPENAI_REASONING = ((r"o[134](-.*)?|gpt-5(-mini|-nano|-pro|-codex)?(-20.*)?", _SAMPLING),)
_OPENAI_SCHEMAS = r"(?!gpt-3|gpt-4$|gpt-4-|o1-mini|o1-preview).*"

_TABLE = (
    Provider(
        name="openai",
        origin="https://api.openai.com",
        env_keys=("OPENAI_API_KEY",),
        needs_key=True,
        prices="openai",
        parameters=CHAT_PARAMETERS | {"api"},
        max_tokens="max_completion_tokens",
        schemas=_OPENAI_SCHEMAS,
        refuses=_OPENAI_REASONING,
    ),
    Provider(
        name="anthropic",
        adapter="anthropic_messages",
        origin="https://api.anthropic.com",
        path="",
        env_keys=("ANTHROPIC_API_KEY",),
        needs_key=True,
        key_header="x-api-key",
        prices="anthropic",
        parameters=frozenset(
            {"temperature", "top_p", "max_tokens", "stop", "parallel_tool_calls", "tool_choice", "extra_body"}
        ),
        schemas=r"claude-(opus-4-[1-9]|sonnet-4-[5-9]|haiku-4-[5-9]|[a-z]+-[5-9]).*",
    ),
    Provider(
        name="groq",
        origin="https://api.groq.com",
        path="/openai/v1",
        env_keys=("GROQ_API_KEY",),
        needs_key=True,
        prices="groq",
        schemas=r"openai/gpt-oss.*|moonshotai/.*|meta-llama/llama-4.*",
        json_mode=True,
    ),
    Provider(
        name="azure",
        path="/openai",
        env_keys=("AZURE_OPENAI_API_KEY",),
        needs_key=True,
        key_header="api-key",
        prices="azure",
        parameters=CHAT_PARAMETERS | {"api", "api_version"},
        max_tokens="max_completion_tokens",
        schemas=_OPENAI_SCHEMAS,
        refuses=_OPENAI_REASONING,
    ),
    Provider(
        name="openrouter",
        origin="https://openrouter.ai",
        path="/api/v1",
        env_keys=("OPENROUTER_API_KEY",),
        needs_key=True,
        prices="openrouter",
        schemas=r"(openai|google|x-ai|mistralai)/.*",
    ),
    Provider(
        name="deepseek",
        origin="https://api.deepseek.com",
        env_keys=("DEEPSEEK_API_KEY",),
        needs_key=True,
        prices="deepseek",
        json_mode=True,
    ),
    Provider(
        name="xai",
        origin="https://api.x.ai",
        env_keys=("XAI_API_KEY",),
        needs_key=True,
        prices="x-ai",
        schemas=_ALL,
        refuses=((r"grok-(3-mini|4).*", frozenset({"presence_penalty", "frequency_penalty", "stop"})),),
    ),
    Provider(
        name="mistral",
        origin="https://api.mistral.ai",
        env_keys=("MISTRAL_API_KEY",),
        needs_key=True,
        prices="mistral",
        schemas=_ALL,
        refuses=((_ALL, frozenset({"stream_options"})),),  # usage comes with the last chunk anyway
        renames={"seed": "random_seed"},
    ),
    Provider(
        name="google",
        origin="https://generativelanguage.googleapis.com",
        path="/v1beta/openai",
        env_keys=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        needs_key=True,
        prices="google",
        schemas=_ALL,
    ),
    Provider(name="ollama", origin="http://localhost:11434", schemas=_ALL),
    Provider(name="openai_compatible"),
    Provider(name="offline", adapter=None),
)

PROVIDERS: Mapping[str, Provider] = {provider.name: provider for provider in _TABLE}
"""Every provider that an agent may name."""


def default_origin(provider: str) -> str | None:
    """Return where a provider is when no base_url is given; None when it has no place of its own."""
    return PROVIDERS[provider].origin
