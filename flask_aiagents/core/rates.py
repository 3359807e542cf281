"""Limit how much happens in a time, in the notation of limits: ``120/minute``.

Counts live in one process's memory, or in Redis for several processes. A window slides: what happened in the
previous one counts by the part of it that the last minute still covers.

``limits`` is imported at the first count: its import takes as long as a tenth of a start.
"""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ..errors import ConfigurationError, RateLimited, Unavailable

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import SlidingWindowCounterRateLimiter

_USUAL = re.compile(r"[1-9][0-9]{0,8} ?/ ?(second|minute|hour|day|month|year)s?", re.ASCII)
"""Notation that needs no parser to be known as right."""


class RateStorage:
    """Where counts live; it is reached at the first one.

    :param uri: ``memory://`` or ``redis://...``
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri

    @property
    def is_remote(self) -> bool:
        """Return whether counting waits for a server."""
        return not self._uri.startswith("memory:")

    @cached_property
    def strategy(self) -> SlidingWindowCounterRateLimiter:
        """The counter, with its connection to the storage."""
        from limits.storage import storage_from_string
        from limits.strategies import SlidingWindowCounterRateLimiter

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

    def __post_init__(self) -> None:
        if not _USUAL.fullmatch(self.notation):
            _ = self._limits

    @cached_property
    def _limits(self) -> list[RateLimitItem]:
        if not self.notation:
            return []
        from limits import parse_many

        try:
            return parse_many(self.notation)
        except ValueError as error:
            raise ConfigurationError(
                f"{self.setting}: {error}.", hint="Write it as '120/minute', or leave it empty for no limit."
            ) from error

    def hit(self, *owner: str, cost: int = 1) -> None:
        """Count for an owner.

        :raises RateLimited: when it is too much; ``retry_after`` says how many seconds to wait.
        :raises Unavailable: when the storage of the counts cannot be reached.
        """
        if not self.notation:
            return
        from limits.errors import StorageError

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

    def _refusal(self, limit: RateLimitItem, owner: tuple[str, ...]) -> RateLimited:
        reset = self.storage.strategy.get_window_stats(limit, *owner).reset_time
        wait = max(1, math.ceil(reset - time.time()))
        return RateLimited(
            f"Rate limit exceeded: {limit.amount} {self.what} per {_period(limit)}.",
            hint=f"Wait {wait} seconds, and send less at once.",
            retry_after=wait,
        )


def _period(limit: RateLimitItem) -> str:
    name = limit.GRANULARITY.name
    return name if limit.multiples == 1 else f"{limit.multiples} {name}s"
