"""Calls of models: messages, targets, tools and limits; frozen values, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..types import JSON, JSONObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation. A system prompt is not a message but a field of :class:`Call`."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One model to try, and the secret to try it with."""

    provider: str
    model: str
    base_url: str | None = None
    api: Literal["chat", "responses"] | None = None
    """One of OpenAI's protocols; None: chat."""
    api_version: str | None = None
    """Azure's version of the interface; None: its newest."""
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function that a model may call. ``function`` gets the arguments and runs in a thread of its own."""

    name: str
    description: str
    parameters: JSONObject
    """JSON Schema of the arguments, made from the signature."""
    function: Callable[[JSONObject], JSON] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one call; times in seconds."""

    connect_s: float = 5.0
    first_byte_s: float = 60.0
    idle_s: float = 30.0
    total_s: float = 120.0
    max_retries: int = 2
    max_tool_rounds: int = 8
    max_tool_calls: int = 16
    tool_s: float = 30.0
    max_response_bytes: int = 8_388_608


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One accepted request: what to say, to which models, within which bounds."""

    targets: tuple[Target, ...]
    """The agent's model first, then its fallbacks in order."""
    messages: tuple[Message, ...]
    system_prompt: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    reasoning_effort: str | None = None
    parallel_tool_calls: bool | None = None
    tool_choice: str | None = None
    """``auto``, ``none``, ``required``, or the name of a tool, for the first answer; later ones choose freely."""
    extra_body: JSONObject = field(default_factory=dict)
    """Further fields of the request body, as they are."""
    output_schema: JSONObject | None = None
    """JSON Schema that the output, parsed as JSON, must satisfy."""
    output_retries: int = 1
    """Times that the model may correct an answer that does not fit ``output_schema``."""
    tools: tuple[Tool, ...] = ()
    limits: Limits = Limits()
    prices: Mapping[str, Mapping[str, str]] | None = None
    """Prices that replace the catalogue's; ``flask_aiagents.llm.prices`` says in which form."""
    tenant: str | None = None
    """Tenant that the limits of connections count for; None is the installation itself."""
    pace: Callable[[float], float] | None = field(default=None, repr=False)
    """Takes the processor seconds that were used for the tenant on the engine's loop; returns the seconds that it
    has to pause."""
    allowed_hosts: tuple[str, ...] = ()
    """Hosts that may be reached although they are not public addresses."""
