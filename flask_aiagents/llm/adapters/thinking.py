"""Tell a model's thinking from its answer where both come as one text: ``<think>...</think>`` at its beginning."""

from __future__ import annotations

_OPEN, _CLOSE = "<think>", "</think>"

_MAX_BLANKS = 256
"""Blanks before a tag that are held back; more of them belong to the answer."""


class ThinkingSplitter:
    """Splits a text that arrives in any pieces. Tags later in the answer are part of it: it may speak of them."""

    def __init__(self) -> None:
        self._held = ""
        self._step = self._start
        self._thought = False

    def feed(self, text: str) -> list[tuple[str, bool]]:
        """Take a piece; return texts, each with whether it is thinking."""
        return self._step(self._held + text)

    def finish(self) -> list[tuple[str, bool]]:
        """Return what was held back."""
        held, self._held = self._held, ""
        thinking = self._step == self._thinking
        return [(held, thinking)] if held and (thinking or not self._thought or held.strip()) else []

    def _start(self, text: str) -> list[tuple[str, bool]]:
        begun = text.lstrip()
        if begun.startswith(_OPEN):
            self._held, self._step, self._thought = "", self._thinking, True
            return self._thinking(begun.removeprefix(_OPEN))
        if _OPEN.startswith(begun) and len(text) <= _MAX_BLANKS:
            self._held = text
            return []
        self._held, self._step = "", self._answer
        return self._answer(begun if self._thought else text)

    def _thinking(self, text: str) -> list[tuple[str, bool]]:
        thought, close, rest = text.partition(_CLOSE)
        if close:
            self._held, self._step = "", self._start
            return [*self._piece(thought), *self._start(rest)]
        kept = len(text) - _overlap(text)
        self._held = text[kept:]
        return self._piece(text[:kept])

    def _piece(self, thought: str) -> list[tuple[str, bool]]:
        return [(thought, True)] if thought else []

    def _answer(self, text: str) -> list[tuple[str, bool]]:
        return [(text, False)] if text else []


def _overlap(text: str) -> int:
    """Return how many characters at the end may be the beginning of the closing tag."""
    return next((size for size in range(len(_CLOSE) - 1, 0, -1) if text.endswith(_CLOSE[:size])), 0)
