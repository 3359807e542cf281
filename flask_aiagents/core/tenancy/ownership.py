"""Whose a row is: what a session of a tenant may take in, write and delete."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import attributes

from ...errors import ScopeError
from .mixins import OfAgentMixin, OwnedMixin, SharedTenantMixin, TenantMixin
from .scope import Scope


def check_row(scope: Scope, model: type[Any], row: dict[str, Any]) -> None:
    """Fill in whose a new row is.

    :raises ScopeError: when it names another tenant or user, or an agent out of reach.
    """
    if scope.system:
        return
    if row.setdefault("tenant_id", scope.tenant_id) != scope.tenant_id:
        raise foreign_row(model)
    if issubclass(model, SharedTenantMixin) and row.setdefault("tenant_key", scope.tenant_id) != scope.tenant_id:
        raise foreign_row(model)
    if (
        issubclass(model, OwnedMixin)
        and scope.user_id
        and row.setdefault("user_id", scope.user_id) != scope.user_id
    ):
        raise foreign_row(model)
    if issubclass(model, OfAgentMixin) and not _in_reach(scope, row.get(model.agent_column().key)):
        raise foreign_row(model)


def claim(scope: Scope, instance: Any) -> None:
    """Fill in whose a new object is.

    :raises ScopeError: as for any other change.
    """
    if isinstance(instance, (TenantMixin, SharedTenantMixin)) and instance.tenant_id is None:
        instance.tenant_id = scope.tenant_id
    if isinstance(instance, OwnedMixin) and instance.user_id is None and scope.user_id:
        instance.user_id = scope.user_id
    check_owned(scope, [instance])


def check_owned(scope: Scope, instances: Iterable[Any]) -> None:
    """Refuse changes of objects that are not the scope's own, and changes of whose they are.

    :raises ScopeError: for the first one.
    """
    for instance in instances:
        if isinstance(instance, (TenantMixin, SharedTenantMixin)):
            _check_value(instance, "tenant_id", scope.tenant_id)
        if isinstance(instance, SharedTenantMixin):
            _check_value(instance, "tenant_key", scope.tenant_id)
        if isinstance(instance, OwnedMixin) and scope.user_id:
            _check_value(instance, "user_id", scope.user_id)
        if isinstance(instance, OfAgentMixin) and not _in_reach(scope, _agent_of(instance)):
            raise foreign_row(type(instance))


def _agent_of(instance: OfAgentMixin) -> Any:
    return getattr(instance, type(instance).agent_column().key)


def _in_reach(scope: Scope, agent_id: Any) -> bool:
    # A row without an agent may be written: the log of what a key did to keys names none.
    return scope.agent_ids is None or agent_id is None or agent_id in scope.agent_ids


def _check_value(instance: Any, name: str, wanted: str | None) -> None:
    history = attributes.get_history(instance, name)
    if any(
        value != wanted
        for value in (*history.added, *history.unchanged, *history.deleted)
        if _counts(value, history)
    ):
        raise foreign_row(type(instance))


def _counts(value: Any, history: attributes.History) -> bool:
    # a new object's empty slot is no former owner
    return value is not None or value in history.unchanged or value in history.added


def is_visible(scope: Scope, instance: Any) -> bool:
    """Return whether a scope would find an object by a query."""
    if isinstance(instance, SharedTenantMixin):
        return instance.tenant_id in (None, scope.tenant_id) and _sees_agent(scope, instance)
    if isinstance(instance, TenantMixin) and instance.tenant_id != scope.tenant_id:
        return False
    if not _sees_agent(scope, instance):
        return False
    return not (isinstance(instance, OwnedMixin) and scope.user_id) or instance.user_id == scope.user_id


def _sees_agent(scope: Scope, instance: Any) -> bool:
    return (
        scope.agent_ids is None or not isinstance(instance, OfAgentMixin) or _agent_of(instance) in scope.agent_ids
    )


def foreign_row(model: type[Any]) -> ScopeError:
    """Return the error for a row of another tenant or user."""
    return ScopeError(
        f"{model.__name__}: the row does not belong to this session's tenant.",
        hint="Write own rows only; shared and foreign rows need the system scope.",
    )
