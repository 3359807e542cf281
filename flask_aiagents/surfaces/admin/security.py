"""What every answer of the panel carries, and what every write must bring."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any, ClassVar

from flask import Response, current_app, request
from flask_admin.form import SecureForm
from werkzeug.datastructures import MultiDict

from ...errors import ConfigurationError, Forbidden
from ...features.access.same_origin import same_origin
from ...web.page_headers import keep_headers

READS = frozenset({"GET", "HEAD", "OPTIONS"})

TOKEN_FIELD = "csrf_token"  # noqa: S105  # the name of a field
TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105  # the name of a header

_NONCE = "aiagents.nonce"

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class _TokenForm(SecureForm):
    class Meta(SecureForm.Meta):
        csrf_time_limit: ClassVar[timedelta | None] = None  # a page may stay open; the token lives as the session


def nonce() -> str:
    """What marks the scripts and styles of this request's page as ours."""
    return request.environ.setdefault(_NONCE, secrets.token_urlsafe(16))


def csrf_token() -> str:
    """The token that a write from this session's pages carries; none where the app has no sessions."""
    if not current_app.secret_key:
        return ""
    field: Any = _TokenForm()[TOKEN_FIELD]
    return field.current_token


def refuse_forged() -> None:
    """A write must come from a page of this origin and carry this session's token.

    :raises Forbidden: when it does not.
    """
    if request.method in READS:
        return
    if not current_app.secret_key:
        raise ConfigurationError("The panel needs sessions.", hint="Set the app's SECRET_KEY.")
    token = request.headers.get(TOKEN_HEADER) or request.form.get(TOKEN_FIELD, "")
    if not same_origin(request) or not _TokenForm(MultiDict({TOKEN_FIELD: token})).validate():  # pyright: ignore[reportArgumentType]
        raise Forbidden(
            "This did not come from an open page of the panel, or that page is too old.",
            error_code="cross_site",
            hint="Open the page again and repeat it there.",
        )


def secure(response: Response) -> Response:
    """Add the headers: scripts and styles by nonce alone, nothing from elsewhere, no frames, no caches."""
    mark = nonce()
    policy = (
        f"default-src 'none'; script-src 'nonce-{mark}'; style-src 'nonce-{mark}'; connect-src 'self'; "
        "img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    keep_headers(response, {"Content-Security-Policy": policy, **_HEADERS})
    response.headers.setdefault("Cache-Control", "no-store")
    response.vary.add("HX-Request")
    return response
