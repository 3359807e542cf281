"""What can be chosen in an agent's form, with what a person wants to know before choosing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ...features.agents.model_config import MAX_TIMEOUT_S
from ...features.agents.models import Status
from ...llm.catalogue import KnownModel, models_of
from ...llm.prices import max_output_tokens
from ...llm.providers import PROVIDERS
from . import agent_words
from .agent_form import AgentForm
from .formats import money, number
from .texts import _

Named = list[tuple[str, str]]
"""Values and what they are called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The lists of one form. A value that the form already has is among them, even when it is unknown now."""

    agent_types: list[tuple[str, str, str]]
    """Value, name and one line about it."""
    statuses: Named
    capabilities: list[tuple[str, str, str]]
    tools: list[tuple[str, str, str]]
    """Value, name and one line about it."""
    providers: Named
    models: list[tuple[str, KnownModel, str]]
    """The provider, the model, and its size and price in words."""
    limit: int | None
    """Tokens that the form's model writes at most."""
    longest_s: int = MAX_TIMEOUT_S

    @classmethod
    def of(cls, system: Any, form: AgentForm) -> Choices:
        """The lists for a form, and what its own values need."""
        catalogue = system.agents.catalogue
        return cls(
            agent_types=[
                (value, text, str(agent_words.TYPES.get(value, "")))
                for value, text in _named(catalogue.agent_types, form.agent_type.data)
            ],
            statuses=_named([status.value for status in Status], form.status.data if form.status else None),
            capabilities=_described(
                {name: str(agent_words.CAPABILITIES.get(name, "")) for name in catalogue.capabilities},
                form.capabilities.data,
            ),
            tools=_described(system.tools.descriptions(), form.tools.data, in_words=False),
            providers=[(name, str(agent_words.PROVIDERS.get(name, name))) for name in sorted(PROVIDERS)],
            models=[
                (provider, model, told(model))
                for provider in sorted(PROVIDERS)
                for model in models_of(provider, system.settings.prices)
            ],
            limit=max_output_tokens(form.provider.data or "", form.model.data or ""),
        )

    def of_model(self, provider: str | None, model: str | None) -> str:
        """What is known of one model, in words."""
        for owner, known, words in self.models:
            if (owner, known.id) == (provider, model):
                return words
        return ""


def told(model: KnownModel) -> str:
    """A model's size and price in one line."""
    parts = []
    if model.context_window:
        parts.append(_("reads %(tokens)s tokens", tokens=number(model.context_window)))
    if model.max_output_tokens and model.max_output_tokens != model.context_window:
        parts.append(_("writes %(tokens)s", tokens=number(model.max_output_tokens)))
    if model.input_price == 0 and model.output_price == 0:
        parts.append(_("free"))
    elif model.input_price is not None and model.output_price is not None:
        prices = {"read": money(model.input_price), "written": money(model.output_price)}
        parts.append(_("%(read)s in, %(written)s out a million tokens", **prices))
    return " · ".join(parts)


def _named(values: Iterable[str], present: str | None) -> Named:
    known = list(values)
    extra = [present] if present and present not in known else []
    return [(value, agent_words.spoken(value)) for value in (*known, *extra)]


def _described(
    known: dict[str, str], ticked: Iterable[str], *, in_words: bool = True
) -> list[tuple[str, str, str]]:
    gone = {name: _("not known any more: untick it") for name in ticked if name not in known}
    return [(name, agent_words.spoken(name) if in_words else name, text) for name, text in (known | gone).items()]
