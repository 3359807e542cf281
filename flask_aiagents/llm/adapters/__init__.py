"""Adapters: each builds the requests of one protocol and reads its answers, without any I/O."""

from __future__ import annotations

from ..protocol import Adapter
from ..providers import AdapterName
from . import anthropic_messages, openai_chat, openai_responses

_ADAPTERS: dict[AdapterName, Adapter] = {
    "openai_chat": openai_chat.OpenAIChat(),
    "openai_responses": openai_responses.OpenAIResponses(),
    "anthropic_messages": anthropic_messages.AnthropicMessages(),
}


def adapter(name: AdapterName) -> Adapter:
    """Return the adapter of a protocol."""
    return _ADAPTERS[name]
