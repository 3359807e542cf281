"""Limit how much happens in a time, in the notation of limits: ``120/minute``.

Counts live in one process's memory, or in Redis for several processes. A window slides: what happened in the
previous one counts by the part of it that the last minute still covers.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from functools import cached_property

import limits
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from ..errors import ConfigurationError, RateLimited, Unavailable


class RateStorage:
    """Where counts live; it is reached at the first one.

    :param uri: ``memory://`` or ``redis://...``
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri

    @property
    def is_remote(self) -> bool:
        """Whether counting waits for a server."""
        return not self._uri.startswith("memory:")

    @cached_property
    def strategy(self) -> SlidingWindowCounterRateLimiter:
        return SlidingWindowCounterRateLimiter(storage_from_string(self._uri, wrap_exceptions=True))


@dataclass(frozen=True)
class Rate:
    """One setting's limits; an empty one limits nothing.

    :param what: what is counted, for messages: ``executions``.
    :param setting: the key of the configuration, for its error.
    """

    what: str
    setting: str
    notation: str
    storage: RateStorage
    _limits: list[limits.RateLimitItem] = field(init=False)

    def __post_init__(self) -> None:
        try:
            parsed = limits.parse_many(self.notation) if self.notation else []
        except ValueError as error:
            raise ConfigurationError(
                f"{self.setting}: {error}.", hint="Write it as '120/minute', or leave it empty for no limit."
            ) from error
        object.__setattr__(self, "_limits", parsed)

    def hit(self, *owner: str, cost: int = 1) -> None:
        """Count for an owner.

        :raises RateLimited: when it is too much; ``retry_after`` says how many seconds to wait.
        :raises Unavailable: when the storage of the counts cannot be reached.
        """
        # The storage joins the parts by slashes, which ids of the host may contain.
        owner = ("aiagents", self.what, *(f"{len(part)}:{part}" for part in owner))
        try:
            for limit in self._limits:
                if not self.storage.strategy.hit(limit, *owner, cost=cost):
                    raise self._refusal(limit, owner)
        except StorageError as error:
            raise Unavailable(
                "The rate limit cannot be checked right now.", hint="Try again in a moment.", retry_after=5
            ) from error

    def _refusal(self, limit: limits.RateLimitItem, owner: tuple[str, ...]) -> RateLimited:
        reset = self.storage.strategy.get_window_stats(limit, *owner).reset_time
        wait = max(1, math.ceil(reset - time.time()))
        return RateLimited(
            f"Rate limit exceeded: {limit.amount} {self.what} per {_period(limit)}.",
            hint=f"Wait {wait} seconds, and send less at once.",
            retry_after=wait,
        )


def _period(limit: limits.RateLimitItem) -> str:
    name = limit.GRANULARITY.name
    return name if limit.multiples == 1 else f"{limit.multiples} {name}s"
