"""Outcomes of calls: usage, attempts, tool calls and the events of a stream; frozen values, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Literal, TypeAlias

from ..types import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the provider counted them, in one form for all providers."""

    input_tokens: int = 0
    """All that the model read."""
    output_tokens: int = 0
    """All that the model wrote."""
    cached_tokens: int = 0
    """Of the input: read from the provider's cache."""
    cache_write_tokens: int = 0
    """Of the input: written into the provider's cache, for whatever time."""
    cache_write_1h_tokens: int = 0
    """Of those: written for an hour rather than for 5 minutes."""
    reasoning_tokens: int = 0
    """Of the output: the model's thinking."""
    input_audio_tokens: int = 0
    output_audio_tokens: int = 0
    """Of the input and of the output: audio."""
    service_tier: str | None = None
    """Tier that the provider charges by, where that is not its standard: ``batch``, ``flex``, ``priority``."""
    inconsistent: bool = False
    """True if the parts do not add up to the provider's total; the larger reading is kept."""

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        counts = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        tier = self.service_tier if self.service_tier == other.service_tier else None
        return Usage(**counts, service_tier=tier, inconsistent=self.inconsistent or other.inconsistent)


_COUNTS = tuple(field.name for field in fields(Usage) if field.name.endswith("_tokens"))


CHARACTERS_PER_TOKEN = 4
"""How much text a token is, roughly, in the estimate of what a cut stream has cost."""


def estimated_tokens(characters: int) -> int:
    """About how many tokens a text of this length is; at least one for any text."""
    return -(-characters // CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request to one provider. ``usage`` is None when the provider gave none or nonsense."""

    provider: str
    model: str
    duration_ms: int
    usage: Usage | None = None
    cost_usd: Decimal | None = None
    """None: unpriced. Zero: certainly free (nothing was billed, as for a refused connection)."""
    error: str | None = None
    """A word such as ``rate_limited``, ``connection``, ``upstream_500``; None when it succeeded."""
    estimated: bool = False
    """Whether ``usage`` is our estimate, as for a stream that was cut before the provider counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call of a tool by the model, as it is logged."""

    id: str
    name: str
    arguments: JSON
    result: JSON = None
    error: str | None = None
    duration_ms: int = 0


Limit: TypeAlias = Literal["connect", "first_byte", "idle", "total"]
"""The time limits of :class:`flask_aiagents.llm.messages.Limits`, without their ``_s``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call ended, well or badly. The engine always ends with one of these."""

    status: Literal["success", "error", "timeout", "cancelled"]
    output: JSON = None
    """Text, or the parsed value when the call had an ``output_schema``; what had arrived, on failure."""
    finish_reason: str | None = None
    """``stop``, ``length``, ``content_filter``, ... ; None when the model never finished."""
    usage: Usage | None = None
    """The sum over all attempts; None when no attempt reported any."""
    cost_usd: Decimal | None = None
    """The sum over all attempts, None when one of them is unpriced."""
    provider: str | None = None
    model: str | None = None
    """The model that answered, or the last one tried."""
    attempts: tuple[Attempt, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    thinking: str | None = None
    """The model's thinking, which is no part of its answer."""
    raw: str | None = None
    """The beginning of an answer that could not be read, without the key."""
    error: str | None = None
    """The kind: ``timeout``, ``rate_limited``, ``upstream``, ``connection``, ``authentication``, ``incomplete``,
    ``invalid_response``, ``invalid_output``, ``invalid_schema``, ``too_large``, ``tool_limit``,
    ``address_refused``, ``refused``, ``cancelled``."""
    message: str | None = None
    """What happened in a sentence for people, without secrets and without the provider's body."""
    retry_after: int | None = None
    limit: Limit | None = None
    """The time limit that ended it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """A piece of the model's thinking, which is no part of its answer."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repairing:
    """The answer does not fit ``output_schema``; what has been streamed is void, and a corrected one follows."""

    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallStarted:
    """The model asked for a tool."""

    id: str
    name: str
    arguments: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallEnded:
    """The tool answered, or failed."""

    call: ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReported:
    """Usage and cost so far, after each round with the model."""

    usage: Usage
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The last event of every stream."""

    outcome: Outcome


Event: TypeAlias = Delta | Thinking | Repairing | ToolCallStarted | ToolCallEnded | UsageReported | Ended
