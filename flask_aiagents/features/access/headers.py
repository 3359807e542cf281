"""API keys in the headers of a request."""

from __future__ import annotations

from flask import Request

from ...errors import Unauthorized
from .tokens import PREFIX


def is_own(request: Request) -> bool:
    """Return True for requests to a route or panel page of this extension."""
    return (request.blueprint or "").startswith("aiagents")


def token_of(request: Request) -> str | None:
    """Return the API key of a request, valid or not; None when it carries none.

    On our own routes any ``X-API-Key`` counts. On a host's route one without the prefix belongs to the host.

    :raises Unauthorized: when its two headers name different keys.
    """
    tokens = {_authorization_token(request), request.headers.get("X-API-Key")} - {None}
    ours = {token.strip() for token in tokens if token is not None}
    if not is_own(request):
        ours = {token for token in ours if token.startswith(PREFIX)}
    if len(ours) > 1:
        raise Unauthorized("Authorization and X-API-Key name different keys.", hint="Send one of them.")
    return ours.pop() if ours else None


def _authorization_token(request: Request) -> str | None:
    """Return the token of ``Authorization`` if it begins with our prefix, whatever the scheme."""
    token = request.headers.get("Authorization", "").strip().rpartition(" ")[2]
    return token if token.startswith(PREFIX) else None
