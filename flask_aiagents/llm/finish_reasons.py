"""Finish reasons: one word for each of the providers' words."""

from __future__ import annotations

from collections.abc import Mapping

from .text import scrub

_REASONS: Mapping[str, str] = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "completed": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_call",
    "tool_use": "tool_call",
    "function_call": "tool_call",
    "content_filter": "content_filter",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
    "safety": "content_filter",
    "refusal": "refused",
}

_MAX_CHARACTERS = 40
"""Longest finish reason that is passed on; a longer one becomes ``other``."""


def finish_reason(told: str | None, tool_requests: bool) -> str:
    """Return our word; a short word that is not in the table is passed on as it is.

    :param told: None where the answer is complete and the provider does not say why it ended.
    """
    if told is None:
        return "tool_call" if tool_requests else "stop"
    return _REASONS.get(told.lower()) or (scrub(told) if len(told) <= _MAX_CHARACTERS else "other")
