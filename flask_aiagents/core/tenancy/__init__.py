"""Which rows a session sees, and the guards that keep it to them."""

from __future__ import annotations

from .mixins import OfAgentMixin, OwnedMixin, SharedTenantMixin, TenantMixin
from .prepared import Prepared
from .scope import SYSTEM, Scope, current_scope, tenant_scope
from .session import TenantSession

__all__ = [
    "SYSTEM",
    "OfAgentMixin",
    "OwnedMixin",
    "Prepared",
    "Scope",
    "SharedTenantMixin",
    "TenantMixin",
    "TenantSession",
    "current_scope",
    "tenant_scope",
]
