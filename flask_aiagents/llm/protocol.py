"""Turns of a conversation with a model, in the form that every adapter understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from ..types import JSON
from .failures import Failure
from .messages import Call, Message, Target
from .outcome import Event, ToolCall, Usage


class Listener(Protocol):
    """Receiver of an answer as it comes."""

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
    """One complete answer of a model: text, or requests for tool calls."""

    text: str
    thinking: str = ""
    tool_requests: tuple[ToolRequest, ...] = ()
    usage: Usage | None = None
    finish_reason: str
    raw: JSON = None
    """Parts that the protocol wants back in the next round, in its own form."""
    target: Target | None = None
    """The model that answered; another one is not handed ``raw``."""


Turn: TypeAlias = Message | Reply | tuple[ToolCall, ...]
"""One step of a conversation: words, a model's answer, the results of its tools."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTPCall:
    """One POST to a provider."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    """The credential is among them."""
    body: bytes = field(repr=False)


class Adapter(Protocol):
    """Speaks one protocol. Pure: it neither sends nor waits."""

    def build(
        self, target: Target, call: Call, turns: Sequence[Turn], *, stream: bool, refused: frozenset[str]
    ) -> HTTPCall:
        """Return the request for the next answer in a conversation.

        :param refused: parameters that this model is known to refuse; :mod:`.parameters` has their names.
        """
        ...

    def parser(self) -> AnswerParser:
        """Return a parser of one answer, whether it comes as JSON or as a stream."""
        ...


class AnswerParser(Protocol):
    """Reads one answer; raises nothing but :class:`.failures.Failure`."""

    @property
    def usage(self) -> Usage | None:
        """Usage that the provider has counted so far."""
        ...

    @property
    def done(self) -> bool:
        """Return whether the answer is complete although more bytes may follow."""
        ...

    def explained(self, failure: Failure) -> Failure:
        """Add to a failure what had been read before it."""
        ...

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes of the body; return what they bring."""
        ...

    def finish(self) -> Reply:
        """Return the answer at the end of the body.

        :raises Failure: with raw text, and with the usage of what was paid for.
        """
        ...
