"""Server-sent events: each one written at once, silence filled with pings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from flask import Response

from ..types import JSONObject
from .json import dumps

Event = tuple[str, JSONObject] | None
"""A name and its data, or None where a ping is due."""


@dataclass(frozen=True, slots=True)
class Marked:
    """An event, or a ping, with what a client sends as ``Last-Event-ID`` to go on from here."""

    token: str
    event: Event
    retry_ms: int | None = None
    """After which a browser comes again, from here on."""


class Source(Protocol):
    """What is streamed; ``close()`` when the reader is gone."""

    def __iter__(self) -> Iterator[Event | Marked]: ...

    def close(self) -> object: ...


class _Frames:
    """The bytes of a source. An object and not a generator: WSGI servers close one that never started, too."""

    def __init__(self, source: Source, retry_ms: int | None) -> None:
        self._source = source
        first = () if retry_ms is None else (_retry(retry_ms) + b"\n",)
        self._frames = chain(first, map(_frame, source))

    def __iter__(self) -> Iterable[bytes]:
        return self._frames

    def close(self) -> None:
        self._source.close()


def event_stream(source: Source, *, retry_ms: int | None = None) -> Response:
    """A response that hands a source on. It uses no request or app context while it runs.

    :param retry_ms: after which a browser comes again when it ends.
    """
    response = Response(_Frames(source, retry_ms), mimetype="text/event-stream")  # pyright: ignore[reportArgumentType]
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _retry(after_ms: int | None) -> bytes:
    return b"" if after_ms is None else b"retry: %d\n" % after_ms


def _frame(event: Event | Marked) -> bytes:
    match event:
        case None:
            return b": ping\n\n"
        case Marked(token, inner, retry_ms):
            return b"id: " + token.encode() + b"\n" + _retry(retry_ms) + _frame(inner)
        case name, data:
            return b"event: " + name.encode() + b"\ndata: " + dumps(data) + b"\n\n"
