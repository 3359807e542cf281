"""What a statement may touch inside a tenant: criteria for what we understand, refusal for what we do not."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.sql.expression import Executable

from ...errors import ScopeError
from .criteria import any_criteria, criteria_of
from .reach import UNKNOWN, Reach, reach
from .scope import Scope

CHECKED = "aiagents_checked"
"""Execution option of the statements that :class:`TenantSession` itself has checked row by row."""

_FIXED = frozenset({"tenant_id", "tenant_key", "user_id"})

NARROWED_KEPT = 256
"""Statements that are kept narrowed to a scope, of all statements and scopes together: most take about 20 KB, the
largest some 300 KB, and to narrow one anew takes about a millisecond."""

_walked: WeakKeyDictionary[Executable, Reach] = WeakKeyDictionary()
"""What a statement touches: constants are walked once."""


def guard(state: ORMExecuteState, scope: Scope) -> None:
    """Narrow a statement to the scope, or refuse it.

    :raises ScopeError: for a statement whose reach cannot be known.
    """
    if scope.system or state.execution_options.get(CHECKED):
        return
    statement = state.statement
    made_by_orm = state.is_column_load or state.is_relationship_load
    reached = UNKNOWN if made_by_orm else _walk(statement)
    if reached.objection is not None:
        raise _refusal(reached.objection)
    if state.is_insert:
        raise _refusal("an INSERT statement")
    if state.is_update:
        _check_values(statement, state.parameters)
    if state.is_orm_statement and not state.is_column_load:
        state.statement = _narrow(statement, scope, reached.models, write=not state.is_select)


def narrowed(statement: Any, scope: Scope) -> Any:
    """Return a constant statement of our own with the criteria of a scope.

    :raises ScopeError: for one that :func:`guard` would refuse, and for one that may load further models.
    """
    if scope.system:
        return statement
    reached = _walk(statement)
    if reached.objection is not None or reached.models is None:
        raise _refusal(reached.objection or "a statement that loads related objects")
    if not statement.is_select:
        _check_values(statement, None)
    return _narrow(statement, scope, reached.models, write=not statement.is_select)


def _walk(statement: Executable) -> Reach:
    if (found := _walked.get(statement)) is None:
        found = _walked[statement] = reach(statement)
    return found


@lru_cache(maxsize=NARROWED_KEPT)
def _narrow(statement: Any, scope: Scope, models: frozenset[type[Any]] | None, *, write: bool) -> Any:
    """The statement with the criteria of a scope: constants are narrowed, and keyed, once for each."""
    criteria = any_criteria(scope, write=write) if models is None else criteria_of(models, scope, write=write)
    return statement.options(*criteria)


def _check_values(statement: Any, parameters: Any) -> None:
    if isinstance(parameters, list):
        raise _refusal("an UPDATE of many rows by key")
    named = {getattr(key, "key", key) for key in (statement._values or {})} | set(parameters or ())
    named |= {getattr(key, "key", key) for key, _ in getattr(statement, "_ordered_values", None) or ()}
    if named & _FIXED:
        raise _refusal("an UPDATE of who owns a row")


def _refusal(what: str) -> ScopeError:
    return ScopeError(
        f"Inside a tenant {what} is refused: its reach cannot be known.",
        hint="Use the models with select(), update() or delete(), or enter tenant_scope(SYSTEM) on purpose.",
    )
