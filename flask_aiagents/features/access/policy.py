"""Roles and permissions: the table *Who may do what* of the documentation, as a class that a host may replace.

A policy says what a role may do inside what it can see. What it can see is the tenant's scope, and no
policy widens that: another tenant's rows stay absent whatever is allowed here.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from ...core.principal import Principal, Role
from ...errors import ConfigurationError


class Permission(StrEnum):
    """What can be allowed. The value is the word in error messages."""

    @property
    def slug(self) -> str:
        """The word in the API and in commands, such as ``read_agents``."""
        return self.name.lower()

    READ_AGENTS = "read agents"
    CREATE_AGENT = "create an agent"
    UPDATE_AGENT = "update an agent"
    DELETE_AGENT = "delete an agent"
    OVERRIDE_STATUS = "change a status that an admin set"
    EXECUTE_AGENT = "execute an agent"
    READ_CONFIGURATION = "read a configuration"
    WRITE_CONFIGURATION = "write a configuration"
    READ_ACTIVITY = "read activity logs"
    READ_OTHERS_ACTIVITY = "read other users' activity logs"
    RECORD_ACTIVITY = "record activity"
    REPORT_USAGE = "report executions, tokens and costs"
    READ_ANALYTICS = "read analytics"
    MANAGE_CREDENTIALS = "manage credentials"
    MANAGE_KEYS = "manage API keys"
    MANAGE_RETENTION = "say how long logs are kept"
    FORGET = "forget a tenant or a person"


_USER = frozenset(
    {
        Permission.READ_AGENTS,
        Permission.CREATE_AGENT,
        Permission.UPDATE_AGENT,
        Permission.DELETE_AGENT,
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
        grants = {**Policy.grants, Role.USER: frozenset({Permission.READ_AGENTS})}
    """

    grants: ClassVar[Mapping[Role, frozenset[Permission]]] = {
        Role.SUPER_ADMIN: frozenset(Permission),
        Role.TENANT_ADMIN: frozenset(Permission) - {Permission.MANAGE_RETENTION, Permission.FORGET},
        Role.USER: _USER,
    }

    own_only: ClassVar[Mapping[Role, frozenset[Permission]]] = {
        Role.USER: frozenset({Permission.UPDATE_AGENT, Permission.DELETE_AGENT})
    }
    """Permissions in ``grants`` that a role has on rows which it created, and on no others."""

    grantable: ClassVar[frozenset[Permission]] = frozenset({Permission.REPORT_USAGE})
    """Permissions that an API key may have beyond its role, when whoever makes the key has them."""

    def allows(self, principal: Principal, permission: Permission, row: object | None = None) -> bool:
        """Return True when this principal may do this.

        :param row: the row to act on. Without one the question is a general one: may the principal do this to any
            row at all? Services ask it before they read the row, and ask again with the row.
        """
        if permission not in self.grants[principal.role]:
            return False
        return (
            row is None or permission not in self.own_only.get(principal.role, ()) or _is_creator(principal, row)
        )


UNLIMITED_ONLY = frozenset({Permission.CREATE_AGENT, Permission.MANAGE_RETENTION, Permission.FORGET})
"""Permissions that no key limited to agents has: they concern the whole tenant."""


def checked_policy(policy: Policy) -> Policy:
    """Return the policy when its ``allows`` takes the row as well.

    A class written for two arguments could only answer the general question, and would grant on every row what
    a role may do to its own rows.

    :raises ConfigurationError: otherwise.
    """
    try:
        inspect.signature(policy.allows).bind(None, None, row=None)
    except TypeError:
        raise ConfigurationError(
            f"{type(policy).__name__}.allows() does not accept the row that is acted on.",
            hint="Declare allows(self, principal, permission, row=None) and pass row on to super().allows().",
        ) from None
    return policy


def _is_creator(principal: Principal, row: object) -> bool:
    made_by = (getattr(row, "tenant_id", None), getattr(row, "created_by", None))
    return made_by == (principal.tenant_id, principal.user_id)
