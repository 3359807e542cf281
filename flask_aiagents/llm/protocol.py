"""How a conversation with a model goes, in our own words: what every dialect understands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from .messages import Call, Message
from .outcome import Event, ToolCall, Usage


class Listener(Protocol):
    """Who hears the answer as it comes."""

    def tell(self, event: Event) -> None:
        """Take what happened. Never waits, so that no answer is ever broken off between two of its pieces."""
        ...

    async def ready(self) -> None:
        """Wait until there is room for more; whoever fetches the next piece asks first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRequest:
    """The model wants a tool called. ``arguments`` is JSON text, as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer of a model: text, or requests for tool calls."""

    text: str
    tool_requests: tuple[ToolRequest, ...] = ()
    usage: Usage | None = None
    finish_reason: str | None = None
    """None when the model never finished."""
    raw: Any = None
    """The answer in the dialect's own form, to be handed back to it in the next round."""


Turn: TypeAlias = Message | Reply | tuple[ToolCall, ...]
"""One step of a conversation: words, a model's answer, the results of its tools."""


class Model(Protocol):
    """Something that can be asked."""

    async def ask(self, call: Call, turns: list[Turn], listener: Listener | None) -> Reply:
        """Answer the conversation; with a listener piece by piece."""
        ...
