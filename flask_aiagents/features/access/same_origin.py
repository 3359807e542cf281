"""Same-origin proof of writes, against cross-site request forgery.

A browser adds cookies and HTTP Basic, Digest, Negotiate and NTLM credentials by itself, also to requests that
another site starts. A write that the host identified by one of these must show by ``Sec-Fetch-Site`` or
``Origin`` that one of the host's own pages sent it. A write that the host identified by a header which only a
program adds needs no proof, even when a cookie came along by chance. To tell the two apart, the host's identity
is resolved a second time in a request that differs only in lacking everything a browser adds.

A write with such credentials from a page of another site or origin is refused without that second look: middleware
may have turned the cookie into a header, which then looks like a program's. Pages of another site that send a
header of their own leave cookies out, as ``fetch`` does by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request

from ...core.principal import Principal
from ...logs import logger
from .identity import Resolver, principal_of

_log = logger(__name__)

_BROWSER_SCHEMES = frozenset({"basic", "digest", "negotiate", "ntlm"})
_BROWSER_KEYS = frozenset({"HTTP_COOKIE", "REMOTE_USER", "AUTH_TYPE"})
_ELSEWHERE = frozenset({"cross-site", "same-site"})
_CGI_KEYS = frozenset(
    {
        *("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REQUEST_URI", "RAW_URI", "CONTENT_TYPE"),
        *("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "SERVER_SOFTWARE", "GATEWAY_INTERFACE", "HTTPS"),
        *("REMOTE_ADDR", "REMOTE_HOST", "REMOTE_PORT"),
    }
)
_BODY_KEYS = frozenset({"wsgi.input", "wsgi.input_terminated", "CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"})


def same_origin(request: Request) -> bool:
    """Return True if the browser states that a page of this origin sent the request."""
    if (site := request.headers.get("Sec-Fetch-Site")) is not None:
        return site == "same-origin"
    origin = urlsplit(request.headers.get("Origin", ""))
    return bool(origin.netloc) and (origin.scheme, origin.netloc) == (request.scheme, request.host)


def is_forgeable(app: Flask, request: Request, principal: Principal, resolve: Resolver) -> bool:
    """Return True if the browser may have authenticated the request without its user's intent.

    :param resolve: resolves the principal of the current request context; ``principal`` is its first answer.
    """
    if not any(_added_by_browser(key, value) for key, value in request.environ.items()):
        return False
    if _from_elsewhere(request):
        return True
    return not _same_account(principal, _without_browser(app, request, resolve))


def _from_elsewhere(request: Request) -> bool:
    """Return True if the browser states that a page of another origin sent the request."""
    if (site := request.headers.get("Sec-Fetch-Site")) is not None:
        return site in _ELSEWHERE
    return "Origin" in request.headers and not same_origin(request)


def _added_by_browser(key: str, value: Any) -> bool:
    if key == "HTTP_AUTHORIZATION":
        return value.strip().partition(" ")[0].lower() in _BROWSER_SCHEMES
    return key in _BROWSER_KEYS and bool(value)


def _without_browser(app: Flask, request: Request, resolve: Resolver) -> Principal | None:
    try:
        return principal_of(app, _program_environ(request.environ), resolve)
    except Exception as error:  # a host that cannot identify the request has not identified it
        _log.debug("The host identified nobody without cookies: %s", error)
        return None


def _program_environ(environ: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request as a program would have sent it: standard keys only, without a body.

    Keys of middleware are left out, since they may hold a session that was read from a cookie, and those of a
    client certificate, which a browser sends by itself.
    """
    kept = {key: value for key, value in environ.items() if _is_standard(key)}
    for key in [key for key, value in kept.items() if key in _BODY_KEYS or _added_by_browser(key, value)]:
        del kept[key]
    return kept | {"wsgi.input": BytesIO(), "CONTENT_LENGTH": "0"}


def _is_standard(key: str) -> bool:
    return key in _CGI_KEYS or key.startswith(("HTTP_", "wsgi."))


def _same_account(one: Principal, other: Principal | None) -> bool:
    return other is not None and (one.user_id, one.tenant_id, one.role) == (
        other.user_id,
        other.tenant_id,
        other.role,
    )
