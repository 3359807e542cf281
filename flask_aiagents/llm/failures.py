"""What can go wrong with one request to a model, in one type; and what it means for the next try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .outcome import Limit, Usage


@dataclass(kw_only=True, eq=False)
class Failure(Exception):
    """A request that gave no usable answer. Its words are ours; the provider's stand in ``raw`` alone."""

    error: str
    """The kind, as in :attr:`flask_aiagents.llm.outcome.Outcome.error`."""
    did: str
    """What happened, as a sentence without its subject: ``answered 500``."""
    detail: str | None = None
    """The word for the attempt, where it says more than the kind: ``upstream_500``."""
    retryable: bool = False
    free: bool = False
    """Whether the provider certainly billed nothing."""
    limit: Limit | None = None
    """The time limit that ended it."""
    retry_after: float | None = None
    """Seconds that the provider asked to wait."""
    text: str = field(default="", repr=False)
    """Text of an answer that had been read."""
    usage: Usage | None = None
    """Usage that the provider counted for it."""
    raw: str | None = field(default=None, repr=False)
    """The beginning of what could not be read."""

    def __str__(self) -> str:
        return f"{self.error}: {self.did}"


def from_status(status: int, retry_after: float | None = None, *, where: str = "answered") -> Failure:
    """Return the failure that an HTTP status of 300 or more is."""
    did = f"{where} {status}"
    if status in (401, 403):
        return Failure(error="authentication", did=f"refused the credential ({did})", free=True)
    if status == 429:
        return Failure(error="rate_limited", did=did, retryable=True, free=True, retry_after=retry_after)
    if status < 400:
        return Failure(
            error="upstream", did="answered with a redirect, which is not followed", detail="redirect", free=True
        )
    return Failure(
        error="upstream",
        did=did,
        detail=f"upstream_{status}",
        retryable=status >= 500 or status in (408, 409),
        free=True,
        retry_after=retry_after,
    )


def invalid_response() -> Failure:
    """Return the failure of an answer that cannot be read."""
    return Failure(error="invalid_response", did="answered something that is no valid answer")


_STATUSES: Mapping[str, int] = {
    "invalid_request_error": 400,
    "bad_request": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "unauthenticated": 401,
    "billing_error": 402,
    "permission_error": 403,
    "permission_denied": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "rate_limit": 429,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "rate_limited": 429,
    "too_many_requests": 429,
    "resource_exhausted": 429,
    "api_error": 500,
    "server_error": 500,
    "internal_error": 500,
    "internal_server_error": 500,
    "unavailable": 503,
    "service_unavailable": 503,
    "overloaded": 529,
    "overloaded_error": 529,
    "timeout": 504,
    "timeout_error": 504,
    "deadline_exceeded": 504,
}
"""HTTP statuses of the words that stand in error objects."""


def from_error_object(error: Any) -> Failure:
    """Return the failure that an error object inside an answer of status 200 is, of its own kind."""
    parts = error if isinstance(error, dict) else {"type": error}
    for name in ("code", "status", "status_code", "type"):
        if status := _status(parts.get(name)):
            return from_status(status, where="reported the error")
    return Failure(error="upstream", did="reported an error in place of an answer", detail="error_object")


def _status(told: Any) -> int | None:
    if isinstance(told, str):
        told = int(told) if told.isascii() and told.isdigit() and len(told) == 3 else _STATUSES.get(told.lower())
    return told if type(told) is int and 400 <= told <= 599 else None
