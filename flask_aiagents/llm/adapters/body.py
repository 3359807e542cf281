"""The body of an answer, as JSON or as server-sent events: whichever the server sends, whatever was asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Protocol

from ...types import JSON
from ..failures import Failure, invalid_response
from ..outcome import Event, Usage
from ..protocol import Reply
from .draft import Draft
from .sse import SSE, SSEParser

MAX_RAW_BYTES = 16_384
"""Bytes of an answer that are kept for the log in case that it cannot be read."""

MAX_JSON_VALUES = 200_000
"""Brackets and commas in one JSON text, about 40 ms of parsing, during which no other thread runs."""

_BOM = b"\xef\xbb\xbf"
_BLANKS = b" \t\r\n"


class Reader(Protocol):
    """Knows one protocol and fills a draft."""

    draft: Draft

    def whole(self, answer: Any) -> None:
        """Take an answer that came as one JSON value."""
        ...

    def event(self, name: str, value: Any) -> None:
        """Take the JSON value of one server-sent event."""
        ...

    def raw(self) -> JSON:
        """Return what the protocol wants back in the next round, in its own form."""
        ...


class Body:
    """Parses one body. A text is never lost: what was read before a fault goes with the failure."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._head = b""
        self._lead: bytes | None = b""
        """Text that came before it was clear what is coming; None since then."""
        self._json: list[bytes] = []
        self._sse: SSEParser | None = None
        self._understood = False

    @property
    def usage(self) -> Usage | None:
        """Usage that the provider has counted so far."""
        return self._reader.draft.usage

    @property
    def done(self) -> bool:
        """Return whether the answer is complete although more bytes may follow."""
        return self._reader.draft.done

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes of the body; return what they bring.

        :raises Failure: when no answer can follow.
        """
        if len(self._head) < MAX_RAW_BYTES:
            self._head += data[: MAX_RAW_BYTES - len(self._head)]
        if self._lead is not None and not (data := self._sniffed(data)):
            return []
        if self._sse is None:
            self._json.append(data)
            return []
        try:
            self._read(self._sse.feed(data))
        except Failure as failure:
            raise self.explained(failure) from None
        return self._reader.draft.events()

    def finish(self) -> Reply:
        """Return the answer at the end of the body.

        :raises Failure: with raw text, and with the usage of what was paid for.
        """
        try:
            if self._sse is None:
                self._reader.whole(_parsed(b"".join(self._json).decode("utf-8", "replace")))
                self._understood = True
            else:
                self._read(self._sse.finish())
            if not self._understood:
                raise invalid_response()
            return replace(self._reader.draft.reply(), raw=self._reader.raw())
        except Failure as failure:
            raise self.explained(failure) from None

    def explained(self, failure: Failure) -> Failure:
        """Add to a failure what had been read before it."""
        draft = self._reader.draft
        failure.text, failure.usage = draft.text, draft.usage
        failure.free = failure.free and not draft.text and draft.usage is None
        failure.raw = None if draft.text else self._head.decode("utf-8", "replace")
        return failure

    def _sniffed(self, data: bytes) -> bytes:
        lead = ((self._lead or b"") + data).removeprefix(_BOM).lstrip(_BLANKS)
        if not lead or _BOM.startswith(lead):
            self._lead = lead
            return b""
        self._lead = None
        if lead[:1] not in b"{[":
            self._sse = SSEParser()
        return lead

    def _read(self, events: list[SSE]) -> None:
        for event in events:
            if self._reader.draft.done:
                return
            if event.data.strip() == "[DONE]":
                self._reader.draft.done = True
            elif event.data:
                self._reader.event(event.name, _parsed(event.data))
                self._understood = True


def _parsed(text: str) -> Any:
    if text.count(",") + text.count("{") + text.count("[") > MAX_JSON_VALUES:
        raise Failure(error="too_large", did=f"answered JSON of more than {MAX_JSON_VALUES} values")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise invalid_response() from None
