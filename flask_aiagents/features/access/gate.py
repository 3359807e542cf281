"""The door of every route: who is acting, and whether a cookie may do it from where it comes."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Request, request

from ...core.installed import installation
from ...errors import Forbidden, Unauthorized

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def enter() -> None:
    """Runs before each of our routes.

    The principal is resolved first, while the host's session may still be read; then that session's read
    transaction ends, so that the request holds one connection and not two.

    :raises Unauthorized: when nobody acts.
    :raises Forbidden: for a write that a cookie authenticates and that may come from another site.
    """
    if request.method == "OPTIONS":
        return
    system = installation()
    principal = system.access.current()
    if principal is None:
        raise Unauthorized("Nobody is logged in.")
    if request.method not in _READS and not _by_header(request) and not same_origin(request):
        raise Forbidden(
            "This write is authenticated by a cookie and does not say that it comes from your own pages.",
            error_code="cross_site",
            hint="Send it with fetch() from the same origin, or use an API key.",
        )
    system.database.end_host_read()
    system.maintenance.start()


def _by_header(request: Request) -> bool:
    scheme = request.headers.get("Authorization", "").partition(" ")[0].lower()
    # A browser adds Basic by itself, as it adds cookies; Bearer and X-API-Key only a program adds.
    return scheme == "bearer" or bool(request.headers.get("X-API-Key"))


def same_origin(request: Request) -> bool:
    """Whether a browser vouches that a page of this origin sent the request."""
    if (site := request.headers.get("Sec-Fetch-Site")) is not None:
        return site == "same-origin"
    origin = urlsplit(request.headers.get("Origin", ""))
    return bool(origin.netloc) and (origin.scheme, origin.netloc) == (request.scheme, request.host)
