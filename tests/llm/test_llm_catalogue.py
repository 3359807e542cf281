from __future__ import annotations

from decimal import Decimal

import pytest

from flask_aiagents.llm.catalogue import MOST_MODELS, models_of
from flask_aiagents.llm.prices import max_output_tokens
from flask_aiagents.llm.providers import PROVIDERS


def test_a_priced_provider_lists_its_models_with_context_and_price() -> None:
    """gpt-4o-mini is offered with what it reads, what it writes and what a million tokens cost, as Decimals."""
    model = next(model for model in models_of("openai") if model.id == "gpt-4o-mini")
    assert (model.context_window, model.max_output_tokens) == (128_000, 16_384)
    assert (model.input_price, model.output_price) == (Decimal("0.15"), Decimal("0.6"))


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_every_provider_answers_with_a_bounded_list_of_distinct_models(provider: str) -> None:
    """No provider is an error, and none offers more than a person can look through."""
    names = [model.id for model in models_of(provider)]
    assert len(names) == len(set(names)) <= MOST_MODELS


def test_newer_versions_come_before_older_ones() -> None:
    """By the version in the name, whether it is written with a dot or a dash; a size is no version."""
    openai = [model.id for model in models_of("openai")]
    assert openai.index("gpt-5") < openai.index("gpt-4.1") < openai.index("gpt-4o")
    anthropic = [model.id for model in models_of("anthropic")]
    assert anthropic.index("claude-opus-4-5") < anthropic.index("claude-opus-4-1") < anthropic.index("claude-2")
    groq = [model.id for model in models_of("groq")]
    assert groq.index("llama-3.3-70b-versatile") < groq.index("openai/gpt-oss-120b")


def test_only_models_to_talk_with_are_offered() -> None:
    """Embeddings, speech and images are left out, and each model has a price both ways."""
    for provider in ("openai", "anthropic", "groq"):
        models = models_of(provider)
        assert models
        assert not [m.id for m in models if any(word in m.id for word in ("embedding", "whisper", "image", "tts"))]
        assert all(m.input_price is not None and m.output_price is not None for m in models)
        assert all(m.max_output_tokens == max_output_tokens(provider, m.id) for m in models)


def test_the_operators_prices_replace_the_catalogues_and_add_models() -> None:
    """A price of AIAGENTS_PRICES is shown; a model that only the operator names comes first."""
    prices = {
        "openai:gpt-4o-mini": {"input": "1", "output": "2"},
        "openai_compatible:house": {"input": "0.5", "output": "nonsense"},
        "openai:ours": {"input": "3", "output": "4"},
    }
    openai = models_of("openai", prices)
    assert openai[0].id == "ours"
    assert next(m.input_price for m in openai if m.id == "gpt-4o-mini") == Decimal(1)
    (house,) = models_of("openai_compatible", prices)
    assert (house.id, house.input_price, house.output_price) == ("house", Decimal("0.5"), None)


def test_the_offline_provider_has_its_own_free_model() -> None:
    """It costs nothing, and says so as a price and not as an unknown."""
    (model,) = models_of("offline")
    assert model.id == "offline"
    assert (model.input_price, model.output_price) == (0, 0)
