"""What tokens cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from flask_aiagents.llm.outcome import Usage
from flask_aiagents.llm.prices import catalogue_age, context_window, cost, max_output_tokens

USAGE = Usage(input_tokens=1_000_000, output_tokens=1_000_000)


def test_known_models_have_exact_prices() -> None:
    """The catalogue's price is Decimal, with twelve places."""
    assert cost("openai", "gpt-4o-mini", USAGE) == Decimal("0.75")
    one = cost("openai", "gpt-4o-mini", Usage(input_tokens=1))
    assert one is not None
    assert one == Decimal("0.00000015")
    assert one.as_tuple().exponent == -12


def test_cached_tokens_are_cheaper() -> None:
    """Tokens that came from the provider's cache are priced as such."""
    cached = cost("openai", "gpt-4o-mini", Usage(input_tokens=1_000_000, cached_tokens=1_000_000))
    assert cached == Decimal("0.075")


def test_an_unknown_price_is_none() -> None:
    """Unknown models, own servers, and usage that cannot be true have no price; the offline model is free."""
    assert cost("openai", "no-such-model", USAGE) is None
    assert cost("openai_compatible", "gpt-4o-mini", USAGE) is None
    assert cost("ollama", "llama3.2", USAGE) is None
    assert cost("openai", "gpt-4o-mini", None) is None
    assert cost("openai", "gpt-4o-mini", Usage(input_tokens=1, cached_tokens=2)) is None
    assert cost("offline", "demo", None) == 0


def test_a_host_can_set_prices() -> None:
    """An override wins over the catalogue and prices what the catalogue does not know."""
    prices = {"openai_compatible:own": {"input": "1", "output": "2.5", "cached": "0.1"}}
    usage = Usage(input_tokens=1000, output_tokens=10, cached_tokens=400)
    assert cost("openai_compatible", "own", usage, overrides=prices) == Decimal("0.000665")
    assert cost("openai_compatible", "other", usage, overrides=prices) is None


@pytest.mark.parametrize(
    "price",
    [
        {"input": "1"},
        {"input": "x", "output": "1"},
        {"input": "-1", "output": "1"},
        {"input": "NaN", "output": "1"},
    ],
)
def test_a_broken_price_is_unknown(price: dict[str, str]) -> None:
    """The answer that was paid for is worth more than its price; the start refuses such a setting anyway."""
    assert cost("openai", "m", USAGE, overrides={"openai:m": price}) is None


def test_a_price_beyond_belief_is_unknown() -> None:
    """A usage of billions of tokens at a dollar each does not reach the log's column."""
    most = Usage(input_tokens=10**9, output_tokens=10**9)
    assert (
        cost("openai", "dear", most, overrides={"openai:dear": {"input": "1000000", "output": "1000000"}}) is None
    )
    assert cost("openai", "dear", most, overrides={"openai:dear": {"input": "1", "output": "1"}}) == 2_000


def test_limits_of_models_are_known_where_they_are_known() -> None:
    """A model's output limit is given, else its window, else nothing."""
    assert max_output_tokens("openai", "gpt-4o-mini") == 16_384
    assert context_window("openai", "gpt-4o-mini") == 128_000
    assert max_output_tokens("openai", "no-such-model") is None
    assert max_output_tokens("ollama", "llama3.2") is None


def test_the_age_of_the_prices_is_known() -> None:
    """doctor can say how old the price data is."""
    age = catalogue_age(datetime.now(UTC))
    assert age is not None
    assert timedelta(0) <= age < timedelta(days=3650)
    later = catalogue_age(datetime.now(UTC) + timedelta(days=365 * 30))
    assert later is not None
    assert later > age
