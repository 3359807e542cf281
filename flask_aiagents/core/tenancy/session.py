"""A session bound to one scope; one of the system may narrow to a tenant once, and none ever widens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, UOWTransaction

from ...errors import ScopeError
from ..statement_timeout import StatementLimit
from .bulk import plain, recordset
from .database_scope import tell_database
from .guards import CHECKED, guard
from .ownership import check_owned, check_row, claim, foreign_row, is_visible
from .prepared import Prepared
from .reach import holds_query
from .scope import Scope, current_scope


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
        """Rows that this session sees; only :meth:`go_on` changes it."""
        return self._scope

    def covers(self, scope: Scope) -> bool:
        """Return whether :meth:`go_on` accepts a scope: its own, or any tenant's in one of the system."""
        return scope == self._scope or (self._scope.system and not scope.system)

    def in_driver_transaction(self) -> bool:
        """Return whether the driver of SQLite has begun a transaction: it does so before the first write."""
        return self.in_transaction() and bool(getattr(super().connection().connection, "in_transaction", False))

    def go_on(self, scope: Scope, limit: StatementLimit | None = None) -> None:
        """Continue the open transaction in the same scope, or narrowed from the system to a tenant.

        :param limit: the time limit of each statement from here on.
        :raises ScopeError: for any other change of scope, and with objects that are not flushed.
        """
        if not self.covers(scope):
            raise ScopeError("A session cannot change to this scope.", hint="Open another session.")
        if self.new or self.dirty or self.deleted:
            raise ScopeError("The session has pending changes.", hint="Flush it first.")
        narrows, self._scope, self.statement_limit = scope != self._scope, scope, limit
        self.expunge_all()
        if self.in_transaction() and (narrows or limit is not None):
            tell_database(super().connection(), scope, limit)

    def rows(self, prepared: Prepared, parameters: dict[str, Any]) -> Sequence[Any]:
        """Return the rows of a prepared statement, which sees what :meth:`execute` would see."""
        scope = self._scope
        if scope.agent_ids is not None:  # a list of any length
            return self.execute(prepared.statement, parameters).all()
        connection = super().connection()
        compiled = prepared.compiled(connection.dialect, scope)
        result = connection.exec_driver_sql(compiled.text, compiled.parameters(scope, parameters))
        return compiled.rows(result)

    def change(self, prepared: Prepared, parameters: dict[str, Any]) -> int:
        """Run a prepared UPDATE, which reaches what :meth:`execute` would reach; returns how many rows changed."""
        scope = self._scope
        if scope.agent_ids is not None:
            return self.execute(prepared.statement, parameters).rowcount  # pyright: ignore[reportAttributeAccessIssue]
        connection = super().connection()
        compiled = prepared.compiled(connection.dialect, scope)
        return connection.exec_driver_sql(compiled.text, compiled.parameters(scope, parameters)).rowcount

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
            check_row(self._scope, model, row)
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


@event.listens_for(TenantSession, "do_orm_execute")
def _guard_statement(state: ORMExecuteState) -> None:
    session = state.session
    assert isinstance(session, TenantSession)  # noqa: S101  # for the type checker
    guard(state, session.scope)


@event.listens_for(TenantSession, "after_begin")
def _tell_database(session: TenantSession, _: SessionTransaction, connection: sa.Connection) -> None:
    tell_database(connection, session.scope, session.statement_limit)


@event.listens_for(TenantSession, "before_attach")
def _guard_attach(session: TenantSession, instance: object) -> None:
    # An object that came from elsewhere would be answered from the identity map without a query.
    if (
        not session.scope.system
        and sa.inspect(instance).key is not None
        and not is_visible(session.scope, instance)
    ):
        raise foreign_row(type(instance))


@event.listens_for(TenantSession, "before_flush")
def _guard_flush(session: TenantSession, _: UOWTransaction, __: Any) -> None:
    if session.scope.system:
        return
    for instance in session.new:
        claim(session.scope, instance)
    check_owned(session.scope, (obj for obj in session.dirty if session.is_modified(obj)))
    check_owned(session.scope, session.deleted)
    for instance in (*session.new, *session.dirty):
        if any(map(holds_query, sa.inspect(instance).dict.values())):
            _refuse("A query as the value of an attribute")


def _refuse(what: str) -> NoReturn:
    raise ScopeError(
        f"{what} is refused: it goes round the tenant's guards.", hint="Use add(), execute() or insert_rows()."
    )
