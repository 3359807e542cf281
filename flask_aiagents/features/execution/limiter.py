"""Limit the executions of a user and of its tenant in a time."""

from __future__ import annotations

from ...config import Settings
from ...core.principal import Principal
from ...core.rates import Rate, RateStorage
from ...core.shared_transaction import release


class Limiter:
    """Counts executions per user, and per tenant so that invented user ids gain nothing."""

    def __init__(self, settings: Settings, storage: RateStorage) -> None:
        self._is_remote = storage.is_remote
        self._user = Rate("executions", "AIAGENTS_RATE_LIMIT", settings.rate_limit, storage)
        self._tenant = Rate(
            "executions of your tenant", "AIAGENTS_TENANT_RATE_LIMIT", settings.tenant_rate_limit, storage
        )

    def hit(self, principal: Principal) -> None:
        """Count one execution.

        :raises RateLimited: when it is one too many; ``retry_after`` says how many seconds to wait.
        :raises Unavailable: when the storage of the counts cannot be reached.
        """
        if self._is_remote:
            release()
        tenant = principal.tenant_id or ""
        self._user.hit(tenant, principal.user_id)
        self._tenant.hit(tenant)
