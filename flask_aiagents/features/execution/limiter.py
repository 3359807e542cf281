"""Executions a principal may start in a time: ``AIAGENTS_RATE_LIMIT`` in the notation of limits."""

from __future__ import annotations

import math
import time
from functools import cached_property

import limits
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from ...config import Settings
from ...core.principal import Principal
from ...errors import ConfigurationError, RateLimited, Unavailable


class Limiter:
    """Counts executions in memory, or in Redis for several processes."""

    def __init__(self, settings: Settings) -> None:
        self._uri = settings.rate_limit_storage_uri
        try:
            self._limits = limits.parse_many(settings.rate_limit) if settings.rate_limit else []
        except ValueError as error:
            raise ConfigurationError(
                f"AIAGENTS_RATE_LIMIT: {error}.", hint="Write it as '120/minute', or leave it empty for none."
            ) from error

    @cached_property
    def _strategy(self) -> MovingWindowRateLimiter:
        return MovingWindowRateLimiter(storage_from_string(self._uri, wrap_exceptions=True))

    def hit(self, principal: Principal) -> None:
        """Count one execution.

        :raises RateLimited: when it is one too many; ``retry_after`` says how many seconds to wait.
        :raises Unavailable: when the storage of the counts cannot be reached.
        """
        who = ("aiagents", principal.tenant_id or "", principal.user_id)
        try:
            for limit in self._limits:
                if not self._strategy.hit(limit, *who):
                    raise self._refusal(limit, who)
        except StorageError as error:
            raise Unavailable(
                "The rate limit cannot be checked right now.", hint="Try again in a moment.", retry_after=5
            ) from error

    def _refusal(self, limit: limits.RateLimitItem, who: tuple[str, ...]) -> RateLimited:
        reset = self._strategy.get_window_stats(limit, *who).reset_time
        wait = max(1, math.ceil(reset - time.time()))
        return RateLimited(f"More than {limit}.", hint=f"Wait {wait} seconds.", retry_after=wait)
