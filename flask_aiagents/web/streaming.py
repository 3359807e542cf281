"""Server-sent events: each one written at once, silence filled with pings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from flask import Response

from ..types import JSONObject
from .json import dumps


class Source(Protocol):
    """What is streamed: events by name, None where a ping is due; ``close()`` when the reader is gone."""

    def __iter__(self) -> Iterator[tuple[str, JSONObject] | None]: ...

    def close(self) -> None: ...


class _Frames:
    """The bytes of a source. An object and not a generator: WSGI servers close one that never started, too."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._frames = map(_frame, source)

    def __iter__(self) -> Iterable[bytes]:
        return self._frames

    def close(self) -> None:
        self._source.close()


def event_stream(source: Source) -> Response:
    """A response that hands a source on. It uses no request or app context while it runs."""
    response = Response(_Frames(source), mimetype="text/event-stream")  # pyright: ignore[reportArgumentType]
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _frame(event: tuple[str, JSONObject] | None) -> bytes:
    if event is None:
        return b": ping\n\n"
    name, data = event
    return b"event: " + name.encode() + b"\ndata: " + dumps(data) + b"\n\n"
