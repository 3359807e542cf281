"""What tokens cost: Decimal US dollars from the catalogue in genai-prices' wheel, which is never fetched anew.

An unknown price is None, never zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import ConfigurationError
from .outcome import Usage

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo

Prices: TypeAlias = Mapping[str, Mapping[str, str]]
"""``{"provider:model": {"input": "0.15", "output": "0.60", "cached": "0.075"}}``, USD a million tokens."""

NOTHING = Decimal(0)
"""The price of what certainly cost nothing."""

PLACES = Decimal("1e-12")
"""Money has 12 places."""

_MILLION = Decimal(1_000_000)
CATALOGUED = frozenset({"openai", "anthropic", "groq"})
"""Providers whose prices the catalogue knows."""


def cost(
    provider: str, model: str, usage: Usage | None, *, at: datetime | None = None, overrides: Prices | None = None
) -> Decimal | None:
    """The price of a usage in USD; None when the price or the usage is unknown.

    :raises ConfigurationError: when an override is no number.
    """
    if provider == "offline":
        return NOTHING
    if usage is None or usage.cached_tokens > usage.input_tokens:
        return None
    override = (overrides or {}).get(f"{provider}:{model}")
    if override is not None:
        return _priced(f"{provider}:{model}", override, usage).quantize(PLACES)
    found = _catalogued(provider, model, usage, at) if provider in CATALOGUED else None
    return None if found is None else found.quantize(PLACES)


def _priced(name: str, prices: Mapping[str, str], usage: Usage) -> Decimal:
    try:
        fresh, written = Decimal(str(prices["input"])), Decimal(str(prices["output"]))
        cached = Decimal(str(prices.get("cached", prices["input"])))
    except (KeyError, InvalidOperation) as error:
        raise ConfigurationError(
            f"AIAGENTS_PRICES[{name!r}] has no usable price.",
            hint='Write {"input": "0.15", "output": "0.60"}: USD a million tokens.',
        ) from error
    total = (usage.input_tokens - usage.cached_tokens) * fresh + usage.cached_tokens * cached
    return (total + usage.output_tokens * written) / _MILLION


def _catalogued(provider: str, model: str, usage: Usage, at: datetime | None) -> Decimal | None:
    from genai_prices import types  # heavy: the catalogue

    if (info := _known(provider, model)) is None:
        return None
    # Only reported units are passed: a zero of a unit that the model has no price for would be an error.
    counts = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    if usage.cached_tokens:
        counts["cache_read_tokens"] = usage.cached_tokens
    try:
        price: Any = info.get_prices(at or datetime.now(UTC)).calc_price(types.Usage(**counts))
    except (LookupError, ValueError):
        return None
    return price["total_price"]


def load() -> None:
    """Read the catalogue, which takes a moment the first time."""
    _known("openai", "gpt-4o-mini")


@lru_cache(maxsize=512)
def _known(provider: str, model: str) -> ModelInfo | None:
    from genai_prices.data_snapshot import get_snapshot  # heavy: the catalogue

    try:
        return get_snapshot().find_provider_model(model, None, provider, None)[1]
    except LookupError:
        return None


def context_window(provider: str, model: str) -> int | None:
    """Tokens that a model can read, where the catalogue knows it."""
    info = _known(provider, model) if provider in CATALOGUED else None
    return info.context_window if info else None


_WRITES = (
    (re.compile(r"gpt-4o(-mini)?(-2024-(07|08|11)-\d\d)?|chatgpt-4o-latest|gpt-4o-mini-.*"), 16_384),
    (re.compile(r"gpt-4o-2024-05-13|gpt-4-turbo.*|gpt-3\.5-turbo.*"), 4_096),
    (re.compile(r"gpt-4\.1(-.*)?"), 32_768),
    (re.compile(r"(o1|o3|o3-mini|o4-mini)(-\d{4}-\d\d-\d\d)?"), 100_000),
    (re.compile(r"gpt-5(-mini|-nano)?(-\d{4}-\d\d-\d\d)?"), 128_000),
    (re.compile(r"claude-3-(opus|sonnet|haiku)-.*"), 4_096),
    (re.compile(r"claude-3-5-.*"), 8_192),
)
"""What models write at most, where their makers say so for good; the catalogue knows only what they read."""


def max_output_tokens(provider: str, model: str) -> int | None:
    """Tokens that a model can write at most; its context window where nothing closer is known, else None."""
    if provider in CATALOGUED:
        for pattern, most in _WRITES:
            if pattern.fullmatch(model):
                return most
    return context_window(provider, model)


_DATE = re.compile(r"20\d\d-[01]\d-[0-3]\d")


def catalogue_age(now: datetime) -> timedelta | None:
    """How old the price data is: the time since the newest day that it mentions; None when it mentions none."""
    text = resources.files("genai_prices").joinpath("data.py").read_text("utf-8")
    today = now.date().isoformat()
    newest = max((day for day in set(_DATE.findall(text)) if day <= today), default=None)
    return None if newest is None else now - datetime.fromisoformat(f"{newest}T00:00:00+00:00")
