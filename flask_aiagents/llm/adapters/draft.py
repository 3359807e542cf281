"""An answer while it is read: what every protocol's answers are made of."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

from ..failures import Failure
from ..finish_reasons import finish_reason
from ..outcome import Delta, Event, Thinking, Usage
from ..protocol import Reply
from ..text import PairJoiner, scrub
from .thinking import ThinkingSplitter
from .tool_requests import ToolRequests


class Draft:
    """Collects the parts of one answer and the events that tell of them."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._pending: list[tuple[str, bool]] = []
        self._pairs, self._thought_pairs = PairJoiner(), PairJoiner()
        self._splitter = ThinkingSplitter()
        self._finish_reason: str | None = None
        self.tool_requests = ToolRequests()
        self.refused = False
        self.usage: Usage | None = None
        self.done = False
        """True if the protocol's own mark of the end was read."""

    def add_content(self, text: str) -> None:
        """Take a piece of text in which the model may think before it answers."""
        for piece, thinking in self._splitter.feed(self._pairs.feed(text)):
            self._add(piece, thinking)

    def add_text(self, text: str) -> None:
        """Take a piece of the answer."""
        self._add(self._pairs.feed(text), False)

    def add_thinking(self, text: str) -> None:
        """Take a piece of the model's thinking."""
        self._add(self._thought_pairs.feed(text), True)

    def add_refusal(self, text: str) -> None:
        """Take a piece of the model's refusal, which stands in place of an answer."""
        if text:
            self.refused = True
            self.add_text(text)

    def add_usage(self, usage: Usage | None) -> None:
        """Take a report; a later one replaces an earlier one, for reports are cumulative."""
        self.usage = usage or self.usage

    def end(self, reason: object) -> None:
        """Take the protocol's word for why the answer ended."""
        if isinstance(reason, str) and reason:
            self._finish_reason = reason

    @property
    def ended(self) -> bool:
        return self.done or self._finish_reason is not None

    @property
    def broke_off(self) -> bool:
        """Return whether the server says that an error ended the answer."""
        return self._finish_reason == "error"

    def events(self) -> list[Event]:
        """Return what is new, neighbouring pieces as one."""
        pending, self._pending = self._pending, []
        return [
            _event("".join(text for text, _ in pieces), kind) for kind, pieces in groupby(pending, itemgetter(1))
        ]

    @property
    def text(self) -> str:
        return "".join(self._texts)

    def reply(self) -> Reply:
        """Return the answer at its end.

        :raises Failure: when it has none.
        """
        for piece, thinking in [*self._splitter.feed(self._pairs.finish()), *self._splitter.finish()]:
            self._add(piece, thinking)
        self._add(self._thought_pairs.finish(), True)
        if not self.ended:
            raise Failure(error="incomplete", did="stopped in the middle of its answer", retryable=True)
        tool_requests = self.tool_requests.finish()
        return Reply(
            text=self.text,
            thinking="".join(self._thoughts),
            tool_requests=tool_requests,
            usage=self.usage,
            finish_reason="refused" if self.refused else finish_reason(self._finish_reason, bool(tool_requests)),
        )

    def _add(self, text: str, thinking: bool) -> None:
        if text := scrub(text):
            (self._thoughts if thinking else self._texts).append(text)
            self._pending.append((text, thinking))


def _event(text: str, thinking: bool) -> Event:
    return Thinking(text=text) if thinking else Delta(text=text)
