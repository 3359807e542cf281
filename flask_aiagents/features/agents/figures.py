"""The figures that agents carry, and who may know them: they count all who ran an agent, whoever reads it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

import sqlalchemy as sa

from ...core.principal import Principal
from ..access.policy import Permission
from ..access.service import Access
from .models import Agent


class Sight(Enum):
    """What a reader may know of the figures that agents carry."""

    EVERYTHING = auto()
    """The system scope."""
    OWN_TENANTS = auto()
    """Who may know what others of the tenant do: of its agents, not of those that it shares with strangers."""
    NOTHING = auto()


CARRIED: Mapping[Sight, Any] = {
    Sight.EVERYTHING: Agent.cached_figures,
    Sight.OWN_TENANTS: sa.case((Agent.tenant_id.is_not(None), Agent.cached_figures)),
    Sight.NOTHING: sa.case((sa.false(), Agent.cached_figures)),
}
"""What each reader finds in the column: NULL where it may not know, so that no filter tells it either."""


def sight(access: Access, principal: Principal) -> Sight:
    """What this principal may know."""
    scope = access.scope(principal)
    if scope.user_id is not None or not access.allows(principal, Permission.READ_ANALYTICS):
        return Sight.NOTHING
    return Sight.EVERYTHING if scope.system else Sight.OWN_TENANTS
