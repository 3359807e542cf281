"""AI agents for the tenants of a Flask application."""

from __future__ import annotations

from .core.principal import Principal, Role, acting_as
from .core.tenancy import SYSTEM, OwnedMixin, Scope, SharedTenantMixin, TenantMixin, tenant_scope
from .errors import AIAgentsError, ConfigurationError
from .extension import AIAgents, current_aiagents
from .features.access.policy import Permission, Policy
from .version import __version__

__all__ = [
    "SYSTEM",
    "AIAgents",
    "AIAgentsError",
    "ConfigurationError",
    "OwnedMixin",
    "Permission",
    "Policy",
    "Principal",
    "Role",
    "Scope",
    "SharedTenantMixin",
    "TenantMixin",
    "__version__",
    "acting_as",
    "current_aiagents",
    "tenant_scope",
]
