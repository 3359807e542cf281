"""What models a provider has: for people who choose one. Nothing is refused because it is not listed here.

The list is that of genai-prices' wheel, never fetched anew, with the prices that the operator set in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .prices import NOTHING, Prices, max_output_tokens
from .providers import PROVIDERS

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo

MOST_MODELS = 40
"""Most models of one provider that are offered; an older one can still be typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """A model that a provider is known to have; None where the catalogue does not say."""

    id: str
    name: str
    context_window: int | None = None
    """Tokens that it reads."""
    max_output_tokens: int | None = None
    """Tokens that it writes at most."""
    input_price: Decimal | None = None
    output_price: Decimal | None = None
    """USD a million tokens, before any tier or discount."""


OFFLINE = KnownModel(
    id="offline", name="Offline model: deterministic, no key, free", input_price=NOTHING, output_price=NOTHING
)
"""The model of this process."""


def models_of(provider: str, prices: Prices | None = None) -> tuple[KnownModel, ...]:
    """The models of a provider, the highest version first; empty where only the operator of a server knows.

    :param prices: the operator's own, as in ``AIAGENTS_PRICES``; models that only they name come first.
    """
    if provider == "offline":
        return (OFFLINE,)
    known = _catalogued(provider, datetime.now(UTC).date().isoformat()) if PROVIDERS[provider].prices else ()
    start = f"{provider}:"
    own = {key.removeprefix(start): price for key, price in (prices or {}).items() if key.startswith(start)}
    listed = {model.id for model in known}
    extra = [_repriced(KnownModel(id=name, name=name), price) for name, price in own.items() if name not in listed]
    return (*extra, *(_repriced(model, own[model.id]) if model.id in own else model for model in known))[
        :MOST_MODELS
    ]


def _repriced(model: KnownModel, price: Any) -> KnownModel:
    return replace(model, input_price=_decimal(price.get("input")), output_price=_decimal(price.get("output")))


def _decimal(value: Any) -> Decimal | None:
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:  # a run says what is wrong with the setting; a list only leaves the price out
        return None


@lru_cache(maxsize=16)
def _catalogued(provider: str, day: str) -> tuple[KnownModel, ...]:
    """Kept for the day, since prices have dates."""
    from genai_prices.data_snapshot import get_snapshot  # heavy: the catalogue

    at = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    infos = next(
        (found.models for found in get_snapshot().providers if found.id == PROVIDERS[provider].prices), []
    )
    known = [model for info in infos if (model := _chat_model(provider, info, at)) is not None]
    return tuple(_newest_first(known)[:MOST_MODELS])


_NO_CHAT = re.compile(
    "^ft:|[.:-]ft-|audio|codex|computer-use|davinci|deep-research|embedding|guard|image|moderation|realtime|"
    "-turbo-instruct|-search-|transcribe|translate|tts|vision-preview|whisper"
)
"""Models that no agent can talk with."""


def _chat_model(provider: str, info: ModelInfo, at: datetime) -> KnownModel | None:
    prices = info.get_prices(at)
    read, written = _base(prices.input_mtok), _base(prices.output_mtok)
    if info.deprecated or read is None or written is None or _NO_CHAT.search(info.id):
        return None
    return KnownModel(
        id=info.id,
        name=info.name or info.id,
        context_window=info.context_window,
        max_output_tokens=max_output_tokens(provider, info.id),
        input_price=read,
        output_price=written,
    )


def _base(price: Any) -> Decimal | None:
    """A plain price, or the first tier of one with tiers."""
    return getattr(price, "base", price)


_VERSION = re.compile(r"(?<![\d.])(\d{1,2})(?:[.-](\d{1,2}))?(?![\d.]|b\b|k\b|x\d)")


def _newest_first(models: Iterable[KnownModel]) -> list[KnownModel]:
    """By the version in the name: the catalogue has no dates. Sizes such as ``120b`` are no versions."""

    def version(model: KnownModel) -> tuple[int, int]:
        found = _VERSION.search(model.id.rpartition("/")[2])
        return (-int(found[1]), -int(found[2] or 0)) if found else (0, 0)

    return sorted(models, key=lambda model: (*version(model), model.id))
