"""The words of clients that sums tell apart: so many of each tenant and day, for sums stay when logs have left.

Of our own executions actions, models and errors are few. A client that writes an id into each would else make rows
of every log, at every level, and everybody's figures would take longer for good.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa

from ...core.tenancy import TenantSession
from ..activity.models import Source
from .models import Usage

MOST = 500
"""What is told apart of a tenant and day: an action with its model and its error."""

OTHER = "(other)"
"""What stands for all beyond."""

Day = tuple[str | None, int]
"""A tenant, and the day as its number since 1970."""

Said = tuple[str, str | None, str | None, str | None]
"""Action, provider, model and error; only an execution has a model."""

_EPOCH = datetime.fromisoformat("1970-01-01T00:00Z")


class Words:
    """What is told apart already, and room for more."""

    def __init__(self) -> None:
        self._known: defaultdict[Day, set[Said]] = defaultdict(set)

    def learn(self, session: TenantSession, days: Collection[Day]) -> None:
        """Take in what the sums of these days tell apart."""
        tenants = {tenant for tenant, _ in days}
        starts = {_EPOCH + timedelta(days=number) for _, number in days}
        columns = (Usage.tenant_id, Usage.period_start, Usage.action, Usage.provider, Usage.model, Usage.error)
        rows = session.execute(
            sa.select(*columns)
            .distinct()
            .where(Usage.level.in_(("model", "action")), Usage.grain == "day", Usage.period_start.in_(starts))
            .where(Usage.source != Source.SYSTEM.value)
            .where(sa.or_(Usage.tenant_id.in_(tenants - {None}), Usage.tenant_id.is_(None)))
        )
        for tenant, start, action, provider, model, error in rows:
            if action != "execute":  # these are told by their models
                self._known[tenant, (start - _EPOCH).days].add((action or "execute", provider, model, error))

    def told(self, day: Day, said: Said) -> Said:
        """What a client said, as the sums have it."""
        known = self._known[day]
        if said not in known:
            if len(known) >= MOST:
                return ("execute", None, OTHER, OTHER) if said[0] == "execute" else (OTHER, None, None, OTHER)
            known.add(said)
        return said
