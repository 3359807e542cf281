"""Permissions and agents of a new API key: never more than its maker has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from ...core.db import Database
from ...core.principal import Principal, Role
from ...core.tenancy import TenantSession
from ...errors import Forbidden, Invalid
from .policy import Permission
from .service import Access

AbsentAgents = Callable[[TenantSession, Sequence[UUID]], list[UUID]]
"""Returns those of some agents that a session's scope does not see; agents are a feature above this one."""


class GrantedRights:
    """Checks what a principal may put into a key, and copies its own limits into a key that names none."""

    def __init__(self, database: Database, access: Access, absent_agents: AbsentAgents) -> None:
        self._db = database
        self._access = access
        self._absent_agents = absent_agents

    def permissions(self, wanted: Sequence[str] | None, role: Role, maker: Principal) -> list[str] | None:
        """Return the permissions of a key: those wanted, else its maker's; None for all of its role's.

        :raises Forbidden: for one that its maker does not have.
        :raises Invalid: for one that no key of this role can have.
        """
        own = maker.limits.permissions
        if wanted is None and own is None:
            return None
        possible = {each.slug for each in Permission if self._access.grantable(_as(role, maker), each)}
        if wanted is None:
            return sorted(possible & (own or frozenset()))
        held = {each.slug for each in Permission if self._access.allows(maker, each)}
        if missing := sorted(set(wanted) - held):
            raise Forbidden(
                f"You cannot give a key permissions that you do not have: {', '.join(missing)}.",
                hint="Leave them out.",
            )
        if wider := sorted(set(wanted) - possible):
            message = f"A {role} cannot have {', '.join(wider)}; leave them out or choose a wider role."
            raise Invalid("The permissions do not fit the role.", details={"permissions": [message]})
        return sorted(set(wanted))

    def agent_ids(self, wanted: Sequence[UUID] | None, role: Role, maker: Principal) -> list[str] | None:
        """Return the agents of a key: those wanted, else its maker's; None for all.

        :raises Invalid: for agents that its maker does not see, and for a super admin's key.
        """
        own = maker.limits.agent_ids
        if wanted is None:
            return None if own is None else sorted(map(str, own))
        if role is Role.SUPER_ADMIN:
            raise _wrong_agents(
                "A super admin's key is for all agents; make it inside a tenant, or leave this out."
            )
        with self._db.transaction(self._access.scope(maker)) as session:
            absent = self._absent_agents(session, wanted)
        if absent:
            raise _wrong_agents(*(f"There is no agent {agent_id}." for agent_id in absent))
        return sorted({str(agent_id) for agent_id in wanted})


def _as(role: Role, maker: Principal) -> Principal:
    return Principal(maker.user_id, maker.tenant_id, role, acting=maker.acting and role is Role.SUPER_ADMIN)


def _wrong_agents(*messages: str) -> Invalid:
    return Invalid("The key cannot be limited to these agents.", details={"agent_ids": list(messages)})
