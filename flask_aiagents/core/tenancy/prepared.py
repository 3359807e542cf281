"""Statements of the hot path, compiled once for each kind of scope and run as the driver's own text.

The criteria are those that any other statement of that scope gets, and are part of what is compiled. What is saved
is the session's work for each execution, which costs more than the database's: rows are named tuples and no
entities, and nothing is flushed before a statement runs.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from .criteria import Fixed
from .guards import narrowed
from .scope import SYSTEM, Scope

COMPILED_KEPT = 128
"""Compiled statements that are kept, of all statements, databases and kinds of scopes together."""

Statement: TypeAlias = sa.Select[*tuple[Any, ...]] | sa.Update

Process: TypeAlias = Callable[[Any], Any] | None

Places: TypeAlias = tuple[tuple[int, Callable[[Any], Any]], ...]


class Prepared:
    """A constant statement with bound parameters; :class:`.session.TenantSession` runs it."""

    __slots__ = ("statement",)

    def __init__(self, statement: Statement) -> None:
        self.statement = statement

    def compiled(self, dialect: Dialect, scope: Scope) -> Compiled:
        """Return what the driver executes for this kind of scope.

        :raises ScopeError: for a statement that the guard refuses.
        """
        kind = SYSTEM if scope.system else _OF_USER if scope.user_id is not None else _OF_TENANT
        return _compiled(self, dialect, kind)


_OF_TENANT = Scope(tenant_id="any")
_OF_USER = Scope(tenant_id="any", user_id="any")


@dataclass(frozen=True, slots=True)
class Compiled:
    """The driver's text of a statement, and how values go in and come out."""

    text: str
    fixed: tuple[tuple[str, str], ...]
    """Parameters that hold an attribute of the scope."""
    constants: Mapping[str, Any]
    binds: tuple[tuple[str, Process], ...]
    """All parameters, in the order of the text."""
    by_name: bool
    """True if the driver takes parameters by name."""
    row: Callable[[Iterable[Any]], Any]
    types: tuple[sa.types.TypeEngine[Any], ...]
    dialect: Dialect
    _processes: list[Places] = field(default_factory=list)

    def parameters(self, scope: Scope, given: Mapping[str, Any]) -> Any:
        """Return the parameters as the driver takes them."""
        # Last, so that nobody who runs a statement can name another tenant.
        values = {**self.constants, **given, **{name: getattr(scope, attribute) for name, attribute in self.fixed}}
        if self.by_name:
            return {name: _processed(process, values[name]) for name, process in self.binds}
        return tuple([_processed(process, values[name]) for name, process in self.binds])

    def rows(self, result: sa.CursorResult[*tuple[Any, ...]]) -> list[Any]:
        """Return rows with the values that the columns' types make of the driver's."""
        if not self._processes:
            self._processes.append(self._places(result))
        places = self._processes[0]
        return [self._row(list(raw), places) for raw in result.all()]

    def _row(self, values: list[Any], places: Places) -> Any:
        for place, process in places:
            values[place] = process(values[place])
        return self.row(values)

    def _places(self, result: Any) -> Places:
        """Return the columns of which the driver's values are not ours yet; it depends on the driver's types."""
        dialect = self.dialect
        processes = [
            type_.dialect_impl(dialect).result_processor(dialect, description[1])
            for type_, description in zip(self.types, result.cursor.description, strict=True)
        ]
        return tuple((place, process) for place, process in enumerate(processes) if process is not None)


def _processed(process: Process, value: Any) -> Any:
    return value if process is None else process(value)


@lru_cache(maxsize=COMPILED_KEPT)
def _compiled(prepared: Prepared, dialect: Dialect, kind: Scope) -> Compiled:
    statement = prepared.statement
    compiled: Any = narrowed(statement, kind).compile(dialect=dialect)
    parameters = {name: parameter for parameter, name in compiled.bind_names.items()}
    columns = list(statement.selected_columns) if isinstance(statement, sa.Select) else []
    return Compiled(
        text=str(compiled),
        fixed=tuple((name, value.attribute) for name, value in parameters.items() if isinstance(value, Fixed)),
        constants=compiled.params,
        binds=tuple(
            (name, parameters[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in compiled.positiontup or parameters
        ),
        by_name=not compiled.positional,
        row=namedtuple("Row", [str(column.key) for column in columns])._make,
        types=tuple(column.type for column in columns),
        dialect=dialect,
    )
