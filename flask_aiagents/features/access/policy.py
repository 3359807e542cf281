"""Roles and permissions: the table *Who may do what* of the documentation, as a class that a host may replace.

A policy says what a role may do inside what it can see. What it can see is the tenant's scope, and no
policy widens that: another tenant's rows stay absent whatever is allowed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from ...core.principal import Principal, Role


class Permission(StrEnum):
    """What can be allowed. The value is the word in error messages."""

    READ_AGENTS = "read agents"
    CREATE_AGENT = "create an agent"
    UPDATE_AGENT = "update an agent"
    DELETE_AGENT = "delete an agent"
    EXECUTE_AGENT = "execute an agent"
    READ_CONFIGURATION = "read a configuration"
    WRITE_CONFIGURATION = "write a configuration"
    READ_ACTIVITY = "read activity logs"
    READ_OTHERS_ACTIVITY = "read other users' activity logs"
    RECORD_ACTIVITY = "record activity"
    READ_ANALYTICS = "read analytics"
    MANAGE_CREDENTIALS = "manage credentials"
    MANAGE_KEYS = "manage API keys"
    MANAGE_RETENTION = "say how long logs are kept"
    FORGET = "forget a tenant or a person"


_USER = frozenset(
    {
        Permission.READ_AGENTS,
        Permission.CREATE_AGENT,
        Permission.EXECUTE_AGENT,
        Permission.READ_CONFIGURATION,
        Permission.READ_ACTIVITY,
        Permission.RECORD_ACTIVITY,
        Permission.READ_ANALYTICS,
    }
)


class Policy:
    """What each role may do. Replace ``grants``, or ``allows`` for rules that a table cannot hold::

    class ReadOnlyUsers(Policy):
        grants = Policy.grants | {Role.USER: frozenset({Permission.READ_AGENTS})}
    """

    grants: ClassVar[Mapping[Role, frozenset[Permission]]] = {
        Role.SUPER_ADMIN: frozenset(Permission),
        Role.TENANT_ADMIN: frozenset(Permission) - {Permission.MANAGE_RETENTION, Permission.FORGET},
        Role.USER: _USER,
    }

    def allows(self, principal: Principal, permission: Permission) -> bool:
        """Whether this principal may do this, on rows that it can see."""
        return permission in self.grants[principal.role]
