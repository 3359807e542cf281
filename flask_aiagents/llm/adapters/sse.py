"""Server-sent events out of bytes that arrive in any pieces."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SSE:
    """One event."""

    name: str
    data: str


class SSEParser:
    """Accepts all line ends, comments, ``data:`` without a blank, and a last event without its blank line."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        """The beginning of a line whose end has not arrived."""
        self._name = ""
        self._data: list[str] = []

    def feed(self, data: bytes) -> list[SSE]:
        """Take bytes and return the events that they complete."""
        if b"\n" not in data and b"\r" not in data:
            self._pieces.append(data)
            return []
        *lines, rest = _lines(b"".join([*self._pieces, data]))
        self._pieces = [rest]
        return [event for line in lines if (event := self._line(line)) is not None]

    def finish(self) -> list[SSE]:
        """Return what the end of the body completes."""
        found = [self._line(b"".join(self._pieces).rstrip(b"\r")), self._line(b"")]
        self._pieces = []
        return [event for event in found if event is not None]

    def _line(self, line: bytes) -> SSE | None:
        if not line:
            return self._event()
        field, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        return None

    def _event(self) -> SSE | None:
        event = SSE(self._name, "\n".join(self._data)) if self._data else None
        self._name, self._data = "", []
        return event


def _lines(data: bytes) -> list[bytes]:
    """Split at LF, CRLF and CR. A CR at the very end stays with the rest: an LF may follow it."""
    if b"\r" not in data:
        return data.split(b"\n")
    held = b"\r" if data.endswith(b"\r") else b""
    body = data[: len(data) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    *lines, rest = body.split(b"\n")
    return [*lines, rest + held]
