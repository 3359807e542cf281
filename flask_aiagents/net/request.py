"""Place, path and headers of a request before it is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from ..version import __version__
from .errors import Unsendable
from .guard import is_allowed

_DEFAULT_PORTS = {"http": 80, "https": 443}
_TARGET = re.compile(r"[!-~]+")
_HEADER = re.compile(r"[A-Za-z0-9-]+: [ -~]*")


@dataclass(frozen=True, slots=True)
class Place:
    """Destination of a connection, and whether the operator admits the host whatever its addresses."""

    host: str
    port: int
    tls: bool
    admitted: bool


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in parts."""

    place: Place
    authority: str
    path: str
    """With the query."""


@lru_cache(maxsize=1024)
def target(url: str, allowed_hosts: tuple[str, ...]) -> Target:
    """Take a URL apart.

    :raises Unsendable: when it is no URL of HTTP.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise Unsendable("the URL is not one of HTTP") from None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not parts.hostname or parts.username is not None or not _TARGET.fullmatch(path + parts.netloc):
        raise Unsendable("the URL holds what HTTP cannot carry")
    place = Place(parts.hostname, port, parts.scheme == "https", is_allowed(parts.hostname, allowed_hosts))
    return Target(place, parts.netloc, path)


def complete(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers to send: the caller's, a name for us, and the wish for an answer that is not compressed.

    :raises Unsendable: when one holds what HTTP cannot carry, such as a line break in a key.
    """
    full = {"User-Agent": f"flask-aiagents/{__version__}", **headers, "Accept-Encoding": "identity"}
    if not all(_HEADER.fullmatch(f"{name}: {value}") for name, value in full.items()):
        raise Unsendable("a header holds what HTTP cannot carry")
    return full
