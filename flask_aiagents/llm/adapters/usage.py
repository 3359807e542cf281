"""Usage as each vendor reports it, brought into one form.

What cannot be true is None: no usage is better than a wrong price.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...types import JSONObject
from ..outcome import Usage
from .fields import mapping, text, whole

MAX_TOKENS = 10**9
"""A count beyond this is nonsense, whatever the provider says."""

_STANDARD_TIERS = frozenset({"", "auto", "default", "standard", "on_demand"})


def openai_usage(report: Any, tier: Any = None) -> Usage | None:
    """Usage by OpenAI's convention, and the variants of those who follow it.

    Cached tokens are part of the input, and reasoning is part of the output; where the total shows that the
    reasoning stands beside it (xAI, Gemini), it is added.
    """
    counts = _Counts(mapping(report))
    input_tokens = counts.get("prompt_tokens", "input_tokens")
    output_tokens = counts.get("completion_tokens", "output_tokens")
    read = counts.within("prompt_tokens_details", "input_tokens_details")
    written = counts.within("completion_tokens_details", "output_tokens_details")
    usage = Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_tokens=read.get("cached_tokens") or counts.get("prompt_cache_hit_tokens"),
        cache_write_tokens=read.get("cache_write_tokens"),
        reasoning_tokens=written.get("reasoning_tokens"),
        input_audio_tokens=read.get("audio_tokens"),
        output_audio_tokens=written.get("audio_tokens"),
        service_tier=_tier(tier),
    )
    total = counts.get("total_tokens")
    valid = counts.valid and read.valid and written.valid
    return _checked(_reconciled(usage, total)) if valid else None


def anthropic_usage(report: Any) -> Usage | None:
    """Usage by Anthropic's convention: what was read from the cache or written into it stands beside the input."""
    counts = _Counts(mapping(report))
    created = counts.within("cache_creation")
    hit, hour = counts.get("cache_read_input_tokens"), created.get("ephemeral_1h_input_tokens")
    written = max(counts.get("cache_creation_input_tokens"), created.get("ephemeral_5m_input_tokens") + hour)
    usage = Usage(
        input_tokens=counts.get("input_tokens") + hit + written,
        output_tokens=counts.get("output_tokens"),
        cached_tokens=hit,
        cache_write_tokens=written,
        cache_write_1h_tokens=hour,
        reasoning_tokens=counts.within("output_tokens_details").get("thinking_tokens"),
        service_tier=_tier(mapping(report).get("service_tier")),
    )
    return _checked(usage) if counts.valid and created.valid else None


class _Counts:
    """Reads counts and remembers whether one of them cannot be true."""

    def __init__(self, report: JSONObject) -> None:
        self._report = report
        self.valid = True

    def get(self, *names: str) -> int:
        told = next((self._report[name] for name in names if self._report.get(name) is not None), 0)
        count = whole(told)
        if count is None or not 0 <= count <= MAX_TOKENS:
            self.valid = False
            return 0
        return count

    def within(self, *names: str) -> _Counts:
        return _Counts(next((part for name in names if (part := mapping(self._report.get(name)))), {}))


def _reconciled(usage: Usage, total: int) -> Usage:
    """Make parts and total agree; where they cannot, keep the larger reading and mark it."""
    parts, beside = usage.total_tokens, usage.reasoning_tokens
    if beside and total in (0, parts + beside) and (total or beside > usage.output_tokens):
        return _more_output(usage, beside)
    if total in (0, parts) and beside <= usage.output_tokens:
        return usage
    if usage.cached_tokens > usage.input_tokens and total == parts + usage.cached_tokens:
        return replace(usage, input_tokens=usage.input_tokens + usage.cached_tokens)
    missing = beside if beside > usage.output_tokens else 0
    return replace(_more_output(usage, max(total - parts, missing, 0)), inconsistent=True)


def _more_output(usage: Usage, tokens: int) -> Usage:
    return replace(usage, output_tokens=usage.output_tokens + tokens)


def _checked(usage: Usage) -> Usage | None:
    parts_of_input = usage.cached_tokens + usage.cache_write_tokens
    possible = (
        parts_of_input <= usage.input_tokens
        and usage.cache_write_1h_tokens <= usage.cache_write_tokens
        and usage.reasoning_tokens <= usage.output_tokens
        and usage.input_audio_tokens <= usage.input_tokens
        and usage.output_audio_tokens <= usage.output_tokens
    )
    return usage if possible and usage.total_tokens else None


def _tier(told: Any) -> str | None:
    return None if (tier := text(told).lower()[:32]) in _STANDARD_TIERS else tier
