"""A session bound to one scope for its life."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, UOWTransaction, attributes

from ...errors import ScopeError
from ..statement_timeout import StatementLimit
from .bulk import plain, recordset
from .guards import CHECKED, guard
from .mixins import OfAgentMixin, OwnedMixin, SharedTenantMixin, TenantMixin
from .reach import holds_query
from .scope import Scope, current_scope

_SETTINGS = (
    "SELECT set_config('aiagents.tenant_id', :tenant, true), set_config('aiagents.scope', :scope, true),"
    " set_config('aiagents.user_id', :user, true),"
    # The planner takes row-level security to hide nearly all rows, and then starts workers to find twenty.
    " set_config('max_parallel_workers_per_gather', '0', true)"
)
_SET_SCOPE = sa.text(_SETTINGS)
_SET_SCOPE_AND_LIMIT = sa.text(f"{_SETTINGS}, set_config('statement_timeout', :limit, true)")


class TenantSession(Session):
    """Sees and writes the rows of its scope alone; see docs/tenancy.md.

    :param scope: by default the one that :func:`tenant_scope` entered.
    :param limit: the time limit of each statement in the session's one transaction.
    :raises ScopeError: when there is none.
    """

    def __init__(
        self, *args: Any, scope: Scope | None = None, limit: StatementLimit | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._scope = scope or current_scope()
        self.statement_limit = limit

    @property
    def scope(self) -> Scope:
        """What this session sees; it cannot be changed."""
        return self._scope

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        """The row with this primary key when the scope sees it, else None; always asked of the database."""
        if self._scope.system:
            return super().get(entity, ident, **options)
        keys = [sa.inspect(entity).get_property_by_column(column) for column in sa.inspect(entity).primary_key]
        values = ident if isinstance(ident, tuple) else (ident,)
        where = (getattr(entity, key.key) == value for key, value in zip(keys, values, strict=True))
        return self.execute(sa.select(entity).where(*where)).scalar_one_or_none()

    def insert_rows(self, model: type[Any], rows: list[dict[str, Any]]) -> None:
        """Insert many rows fast, each one checked; columns are those of the first row.

        :raises ScopeError: when a row names another tenant or user.
        """
        for row in rows:
            self._check_row(model, row)
        connection = super().connection()
        if connection.dialect.name == "postgresql" and len(rows) > 1:
            statement, parameters = recordset(model.__table__, rows, connection.dialect)
            self.execute(statement, parameters, execution_options={CHECKED: True})
        else:
            text, tuples = plain(model.__table__, rows, connection.dialect)
            connection.exec_driver_sql(text, tuples if len(tuples) > 1 else tuples[0])

    def connection(self, *args: Any, **options: Any) -> sa.Connection:
        """Refused inside a tenant: what runs on a connection cannot be guarded."""
        if not self._scope.system:
            _refuse("session.connection()")
        return super().connection(*args, **options)

    def bulk_save_objects(self, *args: Any, **options: Any) -> None:
        _refuse("bulk_save_objects()")

    def bulk_insert_mappings(self, *args: Any, **options: Any) -> None:
        _refuse("bulk_insert_mappings()")

    def bulk_update_mappings(self, *args: Any, **options: Any) -> None:
        _refuse("bulk_update_mappings()")

    def _check_row(self, model: type[Any], row: dict[str, Any]) -> None:
        scope = self._scope
        if scope.system:
            return
        if row.setdefault("tenant_id", scope.tenant_id) != scope.tenant_id:
            raise _foreign(model)
        if (
            issubclass(model, SharedTenantMixin)
            and row.setdefault("tenant_key", scope.tenant_id) != scope.tenant_id
        ):
            raise _foreign(model)
        if (
            issubclass(model, OwnedMixin)
            and scope.user_id
            and row.setdefault("user_id", scope.user_id) != scope.user_id
        ):
            raise _foreign(model)
        if issubclass(model, OfAgentMixin) and not _in_reach(scope, row.get(model.agent_column().key)):
            raise _foreign(model)


@event.listens_for(TenantSession, "do_orm_execute")
def _guard_statement(state: ORMExecuteState) -> None:
    session = state.session
    assert isinstance(session, TenantSession)  # noqa: S101  # for the type checker
    guard(state, session.scope)


@event.listens_for(TenantSession, "after_begin")
def _tell_database(session: TenantSession, _: SessionTransaction, connection: sa.Connection) -> None:
    limit = session.statement_limit
    if connection.dialect.name == "postgresql":
        settings = _settings(session.scope)
        if limit is None:
            connection.execute(_SET_SCOPE, settings)
        else:
            connection.execute(_SET_SCOPE_AND_LIMIT, settings | {"limit": limit.milliseconds})
    elif limit is not None:
        limit.apply(connection)


def _settings(scope: Scope) -> dict[str, str]:
    kind = "system" if scope.system else "tenant" if scope.user_id is None else "user"
    return {"tenant": scope.tenant_id or "", "scope": kind, "user": scope.user_id or ""}


@event.listens_for(TenantSession, "before_attach")
def _guard_attach(session: TenantSession, instance: object) -> None:
    # An object that came from elsewhere would be answered from the identity map without a query.
    if not session.scope.system and sa.inspect(instance).key is not None and not _visible(session.scope, instance):
        raise _foreign(type(instance))


@event.listens_for(TenantSession, "before_flush")
def _guard_flush(session: TenantSession, _: UOWTransaction, __: Any) -> None:
    if session.scope.system:
        return
    for instance in session.new:
        _claim(session.scope, instance)
    _check_owned(session.scope, (obj for obj in session.dirty if session.is_modified(obj)))
    _check_owned(session.scope, session.deleted)
    for instance in (*session.new, *session.dirty):
        if any(map(holds_query, sa.inspect(instance).dict.values())):
            _refuse("A query as the value of an attribute")


def _claim(scope: Scope, instance: Any) -> None:
    if isinstance(instance, (TenantMixin, SharedTenantMixin)) and instance.tenant_id is None:
        instance.tenant_id = scope.tenant_id
    if isinstance(instance, OwnedMixin) and instance.user_id is None and scope.user_id:
        instance.user_id = scope.user_id
    _check_owned(scope, [instance])


def _check_owned(scope: Scope, instances: Iterable[Any]) -> None:
    for instance in instances:
        if isinstance(instance, (TenantMixin, SharedTenantMixin)):
            _check_value(instance, "tenant_id", scope.tenant_id)
        if isinstance(instance, SharedTenantMixin):
            _check_value(instance, "tenant_key", scope.tenant_id)
        if isinstance(instance, OwnedMixin) and scope.user_id:
            _check_value(instance, "user_id", scope.user_id)
        if isinstance(instance, OfAgentMixin) and not _in_reach(scope, _agent_of(instance)):
            raise _foreign(type(instance))


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
        raise _foreign(type(instance))


def _counts(value: Any, history: attributes.History) -> bool:
    # a new object's empty slot is no former owner
    return value is not None or value in history.unchanged or value in history.added


def _visible(scope: Scope, instance: Any) -> bool:
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


def _foreign(model: type[Any]) -> ScopeError:
    return ScopeError(
        f"{model.__name__}: the row does not belong to this session's tenant.",
        hint="Write own rows only; shared and foreign rows need the system scope.",
    )


def _refuse(what: str) -> NoReturn:
    raise ScopeError(
        f"{what} is refused: it goes round the tenant's guards.", hint="Use add(), execute() or insert_rows()."
    )
