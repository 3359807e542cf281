"""How an execution ended, as host code and clients see it, and the errors that tell of a bad end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from ...core.columns import PICO
from ...errors import AIAgentsError, Conflict, UpstreamError, UpstreamTimeout
from ...llm.outcome import Attempt, Outcome, ToolCall, Usage
from ...types import JSONObject


@dataclass(frozen=True, slots=True)
class Execution:
    """One finished execution: what the model said, and what its log says of it."""

    log_id: UUID
    agent_id: UUID
    duration_ms: int
    outcome: Outcome

    @property
    def output(self) -> Any:
        return self.outcome.output

    @property
    def unpriced(self) -> bool:
        return self.outcome.cost_usd is None

    def to_dict(self) -> JSONObject:
        """The JSON answer."""
        outcome = self.outcome
        return {
            "log_id": self.log_id,
            "agent_id": self.agent_id,
            "status": outcome.status,
            "output": outcome.output,
            "finish_reason": outcome.finish_reason,
            "usage": usage_dict(outcome.usage),
            "cost_usd": money_text(outcome.cost_usd),
            "unpriced": self.unpriced,
            "thinking": outcome.thinking,
            "duration_ms": self.duration_ms,
            "provider": outcome.provider,
            "model": outcome.model,
            "attempts": [attempt_dict(attempt) for attempt in outcome.attempts],
            "tool_calls": [tool_call_dict(call) for call in outcome.tool_calls],
        }

    def error(self) -> AIAgentsError:
        """The error that a bad end is to its caller."""
        outcome = self.outcome
        kind = UpstreamTimeout if outcome.status == "timeout" else _KINDS.get(outcome.error or "", UpstreamError)
        return kind(
            outcome.message or "The model's provider failed.",
            error_code=outcome.error or "upstream",
            details=self._details(),
            hint=_hint(outcome),
            retry_after=outcome.retry_after,
        )

    def _details(self) -> JSONObject:
        outcome = self.outcome
        details: JSONObject = {
            "log_id": str(self.log_id),
            "attempts": [attempt_dict(attempt) for attempt in outcome.attempts],
        }
        return details | ({"refusal": outcome.output} if outcome.error == "refused" else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """How a test went."""

    ok: bool
    duration_ms: int
    provider: str
    model: str
    log_id: UUID
    error: str | None = None
    """The kind, as in :attr:`flask_aiagents.llm.outcome.Outcome.error`."""
    message: str | None = None
    """What happened in a sentence of ours."""


_KINDS: dict[str, type[AIAgentsError]] = {"invalid_schema": Conflict}
"""Failures that no provider caused."""

_HINTS = {
    "authentication": "Check the credential that is stored for the agent or its tenant.",
    "tool_limit": "Give the agent fewer or clearer tools.",
    "invalid_output": "Loosen output_schema, or tell the model more plainly what to write.",
    "refused": "The model's words are in details; ask in another way, or choose another model.",
    "invalid_schema": "Change the agent's output_schema; 'flask aiagents doctor' lists all such agents.",
    "address_refused": "Ask the operator to add the host to AIAGENTS_ALLOWED_HOSTS.",
}


_TIME_HINTS = {
    "connect": "Try again; AIAGENTS_CONNECT_TIMEOUT_S is the limit.",
    "first_byte": "Raise timeout_s or first_byte_timeout_s in the agent's model_config.",
    "idle": "Raise timeout_s or idle_timeout_s in the agent's model_config.",
    "total": "Raise timeout_s in the agent's model_config, or ask for less.",
}
"""By the time limit that ended it."""


def _hint(outcome: Outcome) -> str:
    hints = _TIME_HINTS if outcome.limit else _HINTS
    return hints.get(
        outcome.limit or outcome.error or "", "Try again; the activity log named in details tells more."
    )


def ended_values(outcome: Outcome) -> JSONObject:
    """What the log keeps of an end, as :meth:`Activity.finish` takes it."""
    usage = outcome.usage
    return {
        "status": outcome.status,
        "response_data": _response_data(outcome),
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "cached_tokens": usage.cached_tokens if usage else None,
        "tokens_used": usage.total_tokens if usage else None,
        "provider": outcome.provider,
        "model": outcome.model,
        "cost_usd": outcome.cost_usd,
        "unpriced": outcome.cost_usd is None,
        "attempts": [attempt_dict(attempt) for attempt in outcome.attempts],
        "finish_reason": outcome.finish_reason,
        "error": outcome.error,
    }


MAX_THINKING = 16_384
"""Characters of a model's thinking that its log keeps at most."""


def _response_data(outcome: Outcome) -> JSONObject:
    data: JSONObject = {"output": outcome.output}
    if outcome.tool_calls:
        data["tool_calls"] = [tool_call_dict(call) for call in outcome.tool_calls]
    if outcome.message:
        data["message"] = outcome.message
    if outcome.thinking:
        data["thinking"] = outcome.thinking[:MAX_THINKING]
    if outcome.raw:
        data["raw"] = outcome.raw
    return data


def usage_dict(usage: Usage | None) -> JSONObject | None:
    """Tokens as JSON."""
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "total_tokens": usage.total_tokens,
        "service_tier": usage.service_tier,
        "inconsistent": usage.inconsistent,
    }


def attempt_dict(attempt: Attempt) -> JSONObject:
    """One attempt as JSON."""
    return {
        "provider": attempt.provider,
        "model": attempt.model,
        "duration_ms": attempt.duration_ms,
        "usage": usage_dict(attempt.usage),
        "cost_usd": money_text(attempt.cost_usd),
        "error": attempt.error,
        "estimated": attempt.estimated,
    }


def tool_call_dict(call: ToolCall) -> JSONObject:
    """One tool call as JSON; what a host's function returned beyond JSON is told as text."""
    return {
        "id": call.id,
        "name": call.name,
        "arguments": call.arguments,
        "result": json.loads(json.dumps(call.result, default=str)),
        "error": call.error,
        "duration_ms": call.duration_ms,
    }


def money_text(amount: Decimal | None) -> str | None:
    """An amount with all its digits and no exponent."""
    return None if amount is None else f"{amount.quantize(PICO):f}"
