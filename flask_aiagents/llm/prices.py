"""What tokens cost: Decimal US dollars from the catalogue in genai-prices' wheel, which is never fetched anew.

An unknown price is None, never zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, TypeAlias

from ..logs import logger
from .outcome import Usage
from .providers import PROVIDERS

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice

_log = logger(__name__)

Prices: TypeAlias = Mapping[str, Mapping[str, str]]
"""``{"provider:model": {"input": "0.15", "output": "0.60", "cached": "0.075"}}``, USD a million tokens.
``provider:model@batch`` holds what is charged by that service tier."""

NOTHING = Decimal(0)
"""The price of what certainly cost nothing."""

PLACES = Decimal("1e-12")
"""Money has 12 places."""

MAX_COST = Decimal(100_000)
"""USD of one request beyond which its price is not believed: a billion tokens of the dearest models cost that."""

_MILLION = Decimal(1_000_000)


def cost(
    provider: str, model: str, usage: Usage | None, *, at: datetime | None = None, overrides: Prices | None = None
) -> Decimal | None:
    """Return the price of a usage in USD; None when the price or the usage is unknown, or the price is broken."""
    if provider == "offline":
        return NOTHING
    if usage is None or usage.cached_tokens > usage.input_tokens:
        return None
    try:
        own = _override(f"{provider}:{model}", usage, overrides or {})
        found = _own_price(own, usage) if own is not None else _catalogue_price(provider, model, usage, at)
        if found is not None and not 0 <= found <= MAX_COST:
            raise ValueError("no request costs as much")
        return None if found is None else found.quantize(PLACES)
    except (LookupError, ValueError, TypeError, ArithmeticError):
        _log.warning("The price of %s:%s cannot be used; the execution is marked unpriced.", provider, model)
        return None


def _override(name: str, usage: Usage, overrides: Prices) -> Mapping[str, str] | None:
    tier = overrides.get(f"{name}@{usage.service_tier}") if usage.service_tier else None
    return overrides.get(name) if tier is None else tier


def _own_price(prices: Mapping[str, str], usage: Usage) -> Decimal:
    """Price a usage by the host's table; a part without a price of its own costs what its whole costs."""
    long = usage.input_tokens > int(prices.get("long_context", MAX_CONTEXT))

    def rate(name: str, instead: Decimal | None = None) -> Decimal:
        told = prices.get(f"long_{name}") if long else None
        told = prices.get(name) if told is None else told
        if told is None and instead is not None:
            return instead
        if not (price := Decimal(str(told))).is_finite() or price < 0:
            raise ValueError(name)
        return price

    read, written = rate("input"), rate("output")
    kept = rate("cache_write", read)
    counts = (
        (usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens - usage.input_audio_tokens, read),
        (usage.cached_tokens, rate("cached", read)),
        (usage.cache_write_tokens - usage.cache_write_1h_tokens, kept),
        (usage.cache_write_1h_tokens, rate("cache_write_1h", kept)),
        (usage.input_audio_tokens, rate("input_audio", read)),
        (usage.output_tokens - usage.reasoning_tokens - usage.output_audio_tokens, written),
        (usage.reasoning_tokens, rate("reasoning", written)),
        (usage.output_audio_tokens, rate("output_audio", written)),
    )
    return sum((count * price for count, price in counts), NOTHING) / _MILLION


MAX_CONTEXT = 10**12
"""More tokens than any model reads: without ``long_context`` there is no second price."""


def _catalogue_price(provider: str, model: str, usage: Usage, at: datetime | None) -> Decimal | None:
    if (info := _known(provider, model)) is None:
        return None
    if usage.service_tier is None and (plain := _plain_rates(provider, model)) and _is_plain(usage):
        read, cached, written = plain
        tokens = (usage.input_tokens - usage.cached_tokens) * read + usage.cached_tokens * cached
        return (tokens + usage.output_tokens * written) / _MILLION
    price = info.get_prices(at or datetime.now(UTC), _context(usage.service_tier))
    from genai_prices import types  # heavy: the catalogue

    return price.calc_price(types.Usage(**_counts(usage, price)))["total_price"]


def _context(tier: str | None) -> dict[str, str] | None:
    if tier is None:
        return None
    return {"processing": "batch"} if tier == "batch" else {"service_tier": tier}


def _is_plain(usage: Usage) -> bool:
    return not (usage.cache_write_tokens or usage.input_audio_tokens or usage.output_audio_tokens)


_PLAIN_KEYS = {"input_mtok": 0, "cache_read_mtok": 1, "output_mtok": 2}
_IGNORED_KEYS = frozenset({"web_searches_kcount", "storage_searches_kcount", "cache_write_mtok"})


@lru_cache(maxsize=512)
def _plain_rates(provider: str, model: str) -> tuple[Decimal, Decimal, Decimal] | None:
    """Return what reading, reading from the cache and writing cost, where this is all there is to know.

    The library needs 70 us for each price, which is worth a short way for most models.
    """
    from genai_prices.types import ModelPrice  # heavy: the catalogue

    info = _known(provider, model)
    if info is None or not isinstance(info.prices, ModelPrice):
        return None  # it depends on the day or the hour
    rates = {name: price for name, price in vars(info.prices).items() if price is not None}
    known = rates.keys() - _IGNORED_KEYS - {"cache_write_1h_mtok"}
    if not known <= _PLAIN_KEYS.keys() or not all(isinstance(rates[name], Decimal) for name in known):
        return None
    read, written = rates.get("input_mtok"), rates.get("output_mtok")
    return None if read is None or written is None else (read, rates.get("cache_read_mtok", read), written)


_PARTS = {
    "cached_tokens": ("cache_read_tokens", "cache_read_mtok"),
    "cache_write_tokens": ("cache_write_tokens", "cache_write_mtok"),
    "cache_write_1h_tokens": ("cache_write_1h_tokens", "cache_write_1h_mtok"),
    "reasoning_tokens": ("output_reasoning_tokens", "output_reasoning_mtok"),
    "input_audio_tokens": ("input_audio_tokens", "input_audio_mtok"),
    "output_audio_tokens": ("output_audio_tokens", "output_audio_mtok"),
}
"""Parts of a usage, and their names in the catalogue. A part without a price of its own is priced as its whole."""


def _counts(usage: Usage, price: ModelPrice) -> dict[str, int]:
    counts = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    for name, (unit, key) in _PARTS.items():
        if (count := getattr(usage, name)) and getattr(price, key) is not None:
            counts[unit] = count
    return counts


def load() -> None:
    """Read the catalogue, which takes a moment the first time."""
    _known("openai", "gpt-4o-mini")


@lru_cache(maxsize=512)
def _known(provider: str, model: str) -> ModelInfo | None:
    from genai_prices.data_snapshot import get_snapshot  # heavy: the catalogue

    if (catalogue := PROVIDERS[provider].prices) is None:
        return None
    try:
        return get_snapshot().find_provider_model(model, None, catalogue, None)[1]
    except LookupError:
        return None


def context_window(provider: str, model: str) -> int | None:
    """Return the tokens that a model can read, where the catalogue knows it."""
    info = _known(provider, model) if provider in PROVIDERS else None
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
    """Return the tokens that a model writes at most; its context window where nothing closer is known."""
    if provider in PROVIDERS and PROVIDERS[provider].prices:
        for pattern, most in _WRITES:
            if pattern.fullmatch(model):
                return most
    return context_window(provider, model)


_DATE = re.compile(r"20\d\d-[01]\d-[0-3]\d")


def catalogue_age(now: datetime) -> timedelta | None:
    """Return the time since the newest day that the price data mentions; None when it mentions none."""
    text = resources.files("genai_prices").joinpath("data.py").read_text("utf-8")
    today = now.date().isoformat()
    newest = max((day for day in set(_DATE.findall(text)) if day <= today), default=None)
    return None if newest is None else now - datetime.fromisoformat(f"{newest}T00:00:00+00:00")
