"""What a session may see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from ...errors import ScopeError
from ..ids import TENANT_LENGTH, USER_LENGTH, HostId, InvalidId, host_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One tenant, or the whole system.

    With ``user_id``, rows of models that belong to a user (:class:`OwnedMixin`) narrow to that user's; with
    ``agent_ids``, rows about agents (:class:`OfAgentMixin`) narrow to those agents'.
    """

    tenant_id: str | None = None
    user_id: str | None = None
    system: bool = False
    agent_ids: frozenset[UUID] | None = None

    def __post_init__(self) -> None:
        for name, longest in _LENGTHS:
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, _text(value, name, longest))
        if bool(self.tenant_id) == self.system:
            raise ScopeError("A scope is one tenant or the system.", hint="Give a tenant_id, or use SYSTEM.")
        if self.system and self.agent_ids is not None:
            raise ScopeError("The system scope cannot be limited to agents.", hint="Give a tenant_id.")


_LENGTHS = (("tenant_id", TENANT_LENGTH), ("user_id", USER_LENGTH))


def _text(value: object, name: str, longest: int) -> str:
    try:
        return host_id(value, name, longest)
    except InvalidId as error:
        raise ScopeError(error.message, hint=error.hint) from error


SYSTEM = Scope(system=True)
"""All tenants: for super admins, key look-up, maintenance and migrations."""

_scope: ContextVar[Scope | None] = ContextVar("aiagents_scope", default=None)


def current_scope() -> Scope:
    """The scope that :func:`tenant_scope` entered.

    :raises ScopeError: outside of any.
    """
    if (scope := _scope.get()) is None:
        raise ScopeError("No tenant is in scope.", hint="Enter one: with tenant_scope('acme'): ...")
    return scope


@contextmanager
def tenant_scope(scope: HostId | Scope) -> Iterator[Scope]:
    """Sessions made inside see this tenant alone; ``SYSTEM`` is the explicit way round.

    :raises ScopeError: when another scope is already entered; leave it first.
    """
    wanted = scope if isinstance(scope, Scope) else Scope(tenant_id=_text(scope, "tenant_id", TENANT_LENGTH))
    if (present := _scope.get()) not in (None, wanted):
        raise ScopeError(f"{present} is already in scope.", hint="Leave it before you enter another.")
    token = _scope.set(wanted)
    try:
        yield wanted
    finally:
        _scope.reset(token)
