"""What models are able to do: a dated table, for warnings only. Nothing is refused because of it.

genai-prices, which knows prices and context windows, has no abilities. The first pattern that matches a model
decides; a model that none matches is unknown, and nothing is said about it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

AS_OF = date(2026, 11, 27)
"""The day on which the table was last compared with its sources. Newer models match a pattern of their family, or
none."""

SOURCES = (
    "https://github.com/BerriAI/litellm/blob/00035b69f416be24e2e323c13198d9b7d2d1bdf9/model_prices_and_context_window.json",
    "https://github.com/ollama/ollama/tree/03ea36db8927d6dd570cd77f42bec6dbefee3cf2/integration",
)
"""Sources of the abilities. The first has ``supports_vision`` and ``supports_function_calling`` of OpenAI's,
Anthropic's and Groq's models; the second is Ollama's own tests, ``tools_test.go`` and ``vision_test.go``."""


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
        (r"gpt-3\.5-turbo-instruct.*|gpt-4o-.*(transcribe|tts).*", _TEXT),
        (r"gpt-3\.5-turbo-16k.*|gpt-4(-32k)?-0314", Abilities(False, None)),
        (r"o3-mini.*|gpt-3\.5-turbo.*|gpt-4(-0613|-32k.*)?|gpt-4-(turbo|0125|1106)-preview", _TOOLS),
        (r"gpt-audio.*|gpt-4o-(mini-)?(audio|realtime).*", _TOOLS),
        (r"gpt-5-chat.*", _VISION),
        (r"(chat)?gpt-(4o|4\.1|4\.5|4-turbo|5).*|o(1|3|4-mini)(-(pro|20).*)?", _BOTH),
    ),
    "anthropic": (
        (r"claude-(instant|2).*", _TEXT),
        (r"claude-([34]|(opus|sonnet|haiku)-\d).*", _BOTH),
    ),
    "groq": (
        (r"meta-llama/llama-4-.*", _BOTH),
        (r"(llama-3\.[13]|openai/gpt-oss|qwen/qwen3-32b|moonshotai/kimi-k2).*", _TOOLS),
        (r"gemma.*", Abilities(False, None)),
    ),
    "ollama": (
        (r"gemma3:(270m|1b).*|(llama2|gemma2|gemma|codellama|phi3)(:.*)?", _TEXT),
        (r"(llava|bakllava|moondream|gemma3|llama3\.2-vision)(-.*|:.*)?", _VISION),
        (r"qwen2\.5vl(:.*)?", Abilities(True, None)),
        (r"(gemma4|qwen3-vl|qwen3\.[56]|ministral-3|mistral-small3\.[12]|llama4|nemotron3)(:.*)?", _BOTH),
        (
            r"(llama3\.[123]|qwen2|qwen2\.5|qwen3|qwq|mistral|mistral-nemo|mixtral|gpt-oss|granite3\.3)(:.*)?",
            _TOOLS,
        ),
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
