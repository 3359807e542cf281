"""A parser of HTTP/1.1 answers: bytes in, parts of the body out, no I/O.

It is strict where two readers could see two different answers (lengths, chunks, folded headers) and bounded in
everything that comes before or between the parts of a body.
"""

from __future__ import annotations

import re

MAX_HEAD_BYTES = 65_536
"""Status line and headers together, and so the trailers of a chunked body."""

MAX_HEADERS = 128
"""Headers of an answer; twice what any provider sends."""

MAX_INTERIM = 8
"""Answers of status 1xx before the real one."""

_MAX_LINE_BYTES = 4096
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)")
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")


class BadAnswer(Exception):
    """The server sent something that is not an HTTP/1.1 answer."""


class AnswerReader:
    """Reads one answer. ``status`` is 0 until its head is complete; ``done`` at the end of its body."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        """Names are in lower case; of repeated ones the last."""
        self.done = False
        self._buffer = bytearray()
        self._keep_alive = False
        self._chunked = False
        self._left: int | None = 0
        """Bytes to come, in a chunked body those of the chunk; None: until the connection ends."""
        self._between = False
        """True if the line break after a chunk is to come."""
        self._last = False
        """True if only trailers are to come."""
        self._interim = self._overhead = 0

    @property
    def reusable(self) -> bool:
        """Return whether the connection can carry another request: the answer is complete, nothing follows."""
        return self.done and self._keep_alive and not self._buffer

    def feed(self, data: bytes) -> bytes:
        """Take bytes and return the part of the body that they bring; empty data is the end of the connection.

        :raises BadAnswer: when this is no answer, or the connection ends within it.
        """
        if not data:
            self._end()
            return b""
        self._buffer += data
        while not self.status:
            if not self._read_head():
                return b""
        return b"" if self.done else self._read_chunks() if self._chunked else self._read_plain()

    def _end(self) -> None:
        if not self.status or self._left is not None:
            raise BadAnswer("the connection ended within the answer")
        self.done, self._keep_alive = True, False

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end > MAX_HEAD_BYTES or (end < 0 and len(self._buffer) > MAX_HEAD_BYTES):
            raise BadAnswer("the head is too large")
        if not b"HTTP/1.".startswith(self._buffer[:7]):
            raise BadAnswer("this is not HTTP/1.1")
        if end < 0:
            return False
        first, *lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        self._set_head(first, lines)
        return True

    def _set_head(self, first: bytes, lines: list[bytes]) -> None:
        if not (match := _STATUS_LINE.fullmatch(first)) or len(lines) > MAX_HEADERS:
            raise BadAnswer("the status line is malformed, or there are too many headers")
        status = int(match[2])
        if status == 101 or (status < 200 and self._interim == MAX_INTERIM):
            raise BadAnswer("the protocol is changed, or no answer comes")
        if status < 200:
            self._interim += 1
            return
        self.headers = _headers(lines)
        self.status = status
        connection = self.headers.get("connection", "").lower()
        self._keep_alive = match[1] == b"1" and "close" not in connection
        self._set_framing()

    def _set_framing(self) -> None:
        encoding = self.headers.get("transfer-encoding")
        length = self.headers.get("content-length")
        if self.status in (204, 304):
            self.done = True
        elif encoding is not None:
            if encoding.lower() != "chunked" or length is not None:
                raise BadAnswer("the length of the body is ambiguous")
            self._chunked = True
        elif length is not None:
            if not _LENGTH.fullmatch(length):
                raise BadAnswer("the length of the body is no number")
            self._left = int(length)
            self.done = not self._left
        else:
            self._left = None

    def _read_plain(self) -> bytes:
        part = bytes(self._buffer if self._left is None else self._buffer[: self._left])
        del self._buffer[: len(part)]
        if self._left is not None:
            self._left -= len(part)
            self.done = not self._left
        return part

    def _read_chunks(self) -> bytes:
        parts = bytearray()
        while not self.done:
            if self._left:
                parts += (part := self._buffer[: self._left])
                del self._buffer[: len(part)]
                self._left -= len(part)
                self._between = not self._left
                if self._left:
                    break
            elif not self._read_line():
                break
        return bytes(parts)

    def _read_line(self) -> bool:
        """Read what stands between two chunks, or after the last: False when it has not come yet."""
        end = self._buffer.find(b"\r\n")
        if end < 0 or end > _MAX_LINE_BYTES:
            if len(self._buffer) > _MAX_LINE_BYTES:
                raise BadAnswer("a line of the chunked body is too long")
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        if self._last:
            self._trailer(line)
        elif self._between:
            self._between = False
            if line:
                raise BadAnswer("a chunk is longer than its size")
        elif match := _CHUNK_SIZE.fullmatch(line):
            self._left = int(match[1], 16)
            self._last = not self._left
        else:
            raise BadAnswer("the size of a chunk is no number")
        return True

    def _trailer(self, line: bytes) -> None:
        self._overhead += len(line)
        if self._overhead > MAX_HEAD_BYTES:
            raise BadAnswer("the trailers are too large")
        self.done = not line


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        if not (match := _HEADER.fullmatch(line)):
            raise BadAnswer("a header is malformed")
        name, value = match[1].decode("ascii").lower(), match[2].decode("latin-1").rstrip(" \t")
        if name in ("content-length", "transfer-encoding") and headers.get(name, value) != value:
            raise BadAnswer("the length of the body is ambiguous")
        headers[name] = value
    return headers
