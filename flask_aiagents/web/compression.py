"""gzip for what is streamed, where the client takes it."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from flask import Request, Response

_LEVEL = 1
"""A third of the time of zlib's own 6, for a file that is a fifth larger: an export should not wait for it."""

_GZIP = 31
"""zlib's word for a gzip stream of the widest window."""


def gzipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    """One gzip stream. What of it has arrived can be unpacked, up to the end of a part."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    for part in parts:
        yield packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


def compress(response: Response, request: Request) -> Response:
    """A streamed response, in gzip when ``Accept-Encoding`` has it."""
    response.headers.add("Vary", "Accept-Encoding")
    if request.accept_encodings.quality("gzip"):
        response.response = gzipped(response.response)  # pyright: ignore[reportArgumentType]
        response.headers["Content-Encoding"] = "gzip"
    return response
