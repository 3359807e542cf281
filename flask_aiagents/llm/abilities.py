"""What models are able to do: a dated table, for warnings only. Nothing is refused because of it.

genai-prices, which knows prices and context windows, has no abilities. The first pattern that matches a model
decides; a model that none matches is unknown, and nothing is said about it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

AS_OF = date(2025, 8, 31)
"""The day that the table describes. Newer models match the patterns of their family, or none."""

SOURCES = (
    "https://platform.openai.com/docs/models",
    "https://docs.anthropic.com/en/docs/about-claude/models/overview",
    "https://console.groq.com/docs/models",
    "https://ollama.com/search",
)
"""Where the makers describe their models."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """None where it is not known."""

    vision: bool | None
    tools: bool | None


_BOTH, _TEXT, _TOOLS, _VISION = (
    Abilities(True, True),
    Abilities(False, False),
    Abilities(False, True),
    Abilities(True, False),
)

_TABLE: dict[str, tuple[tuple[str, Abilities], ...]] = {
    "offline": ((".*", _TOOLS),),
    "openai": (
        (r"o1-(mini|preview).*", _TEXT),
        (r"o3-mini.*|gpt-3\.5-turbo.*|gpt-4(-0613|-0314|-32k.*)?", _TOOLS),
        (r"gpt-(4o|4\.1|4\.5|4-turbo|5).*|o[134](-.*)?", _BOTH),
    ),
    "anthropic": (
        (r"claude-(instant|2).*", _TEXT),
        (r"claude-(3|opus-4|sonnet-4|haiku-4).*", _BOTH),
    ),
    "groq": (
        (r"meta-llama/llama-4-.*", _BOTH),
        (r"(llama-3|openai/gpt-oss|qwen|moonshotai/kimi-k2|mistral).*", _TOOLS),
        (r"gemma.*", Abilities(False, None)),
    ),
    "ollama": (
        (r"(llava|bakllava|moondream|gemma3|llama3\.2-vision).*", _VISION),
        (r"(qwen2\.5vl|mistral-small3\.[12]).*", _BOTH),
        (r"(llama3\.[13]|llama3\.2|qwen2\.5|qwen3|mistral-nemo|gpt-oss).*", _TOOLS),
        (r"(llama2|gemma2|gemma|codellama|phi3).*", _TEXT),
    ),
}


def abilities_of(provider: str, model: str) -> Abilities:
    """The abilities of a model, as far as the table knows it."""
    for pattern, abilities in _TABLE.get(provider, ()):
        if re.fullmatch(pattern, model):
            return abilities
    return Abilities(None, None)


_PROMISES = {"vision": "vision", "function_calling": "tools", "tool_use": "tools"}
"""Capabilities of agents that only some models have, and the ability that each needs."""


def broken_promises(capabilities: list[str], provider: str, model: str) -> list[str]:
    """The capabilities that the model is known not to have."""
    known = abilities_of(provider, model)
    return [name for name in capabilities if name in _PROMISES and getattr(known, _PROMISES[name]) is False]
