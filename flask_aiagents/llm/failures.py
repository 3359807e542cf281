"""What can go wrong with one request to a model, in one type; and what it means for the next try."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True, eq=False)
class Failure(Exception):
    """A request that gave no usable answer. It carries our words only, never the provider's."""

    error: str
    """The kind, as in :attr:`flask_aiagents.llm.outcome.Outcome.error`."""
    did: str
    """What happened, as a sentence without its subject: ``answered 500``."""
    detail: str | None = None
    """The word for the attempt, where it says more than the kind: ``upstream_500``."""
    retryable: bool = False
    free: bool = False
    """Whether the provider certainly billed nothing."""
    retry_after: float | None = None
    """Seconds that the provider asked to wait."""

    def __str__(self) -> str:
        return f"{self.error}: {self.did}"


def from_status(status: int, retry_after: float | None) -> Failure:
    """The failure that an HTTP status of 300 or more is."""
    did = f"answered {status}"
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
        retryable=status >= 500,
        free=True,
        retry_after=retry_after,
    )
