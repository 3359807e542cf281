"""An execution handed on as it happens.

The reader iterates; each item is the name and data of a server-sent event, or None when nothing happened
for a while and a ping is due. Whoever stops reading calls ``close()``, as WSGI servers do: that cancels the
model's call and ends the log. No database connection is held between two items.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ...llm.engine import Stream
from ...llm.outcome import (
    Delta,
    Ended,
    Event,
    Repairing,
    Thinking,
    ToolCallEnded,
    ToolCallStarted,
    UsageReported,
)
from ...types import JSONObject
from .ledger import Entry
from .result import Execution, money_text, tool_call_dict, usage_dict

PROGRESS_EVERY_S = 5.0
"""Seconds between two notes of what a stream has written, for the log of one that dies midway."""


class ExecutionStream:
    """Iterate it for events; ``execution`` is there once it ended."""

    def __init__(self, entry: Entry, stream: Stream) -> None:
        self._entry = entry
        self._stream = stream
        self._text: list[str] = []
        self._noted = time.monotonic()
        self.execution: Execution | None = None

    @property
    def log_id(self) -> Any:
        return self._entry.log_id

    def __iter__(self) -> Iterator[tuple[str, JSONObject] | None]:
        try:
            for event in self._stream:
                yield self._told(event)
                self._note_progress()
        finally:
            self.close()

    def close(self) -> None:
        """Cancel what still runs and end the log. A second call does nothing."""
        if self.execution is None:
            with self._entry.app.app_context():
                self.execution = self._entry.close(self._stream.close())

    def _told(self, event: Event | None) -> tuple[str, JSONObject] | None:
        match event:
            case None:
                return None
            case Delta(text=text):
                self._text.append(text)
                return "delta", {"text": text}
            case Thinking(text=text):
                return "thinking", {"text": text}
            case Repairing(problem=problem):
                self._text.clear()
                return "repair", {"problem": problem}
            case ToolCallStarted():
                return "tool_call", {"id": event.id, "name": event.name, "arguments": event.arguments}
            case ToolCallEnded(call=call):
                return "tool_result", tool_call_dict(call)
            case UsageReported():
                return "usage", (usage_dict(event.usage) or {}) | {"cost_usd": money_text(event.cost_usd)}
            case Ended():
                return self._ended()

    def _ended(self) -> tuple[str, JSONObject]:
        self.close()
        execution = self.execution
        assert execution is not None  # noqa: S101  # close() has just set it
        if execution.outcome.status == "success":
            return "done", execution.to_dict()
        return "error", execution.error().to_dict()

    def _note_progress(self) -> None:
        if self._text and self.execution is None and time.monotonic() - self._noted > PROGRESS_EVERY_S:
            self._noted = time.monotonic()
            with self._entry.app.app_context():
                self._entry.note("".join(self._text))
