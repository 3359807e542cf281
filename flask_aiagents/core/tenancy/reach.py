"""How far a statement reaches: whether each table in it comes from a model that criteria can narrow.

SQLAlchemy marks what came from a model with annotations. Whatever has none - text, Core tables, literal columns -
criteria do not reach; nor, before SQLAlchemy 2.1, a model that only a condition names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import DDLElement
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ColumnClause, TextClause
from sqlalchemy.sql.expression import TextualSelect

Known = frozenset[Any]
"""The entities - mappers and aliases - that a statement, or one around it, selects from."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a statement touches, as far as the statement tells."""

    objection: str | None
    """What in it criteria do not reach; None when they reach all of it."""
    models: frozenset[type[Any]] | None
    """The models that it reads and writes; None when loading them may load others."""


UNKNOWN = Reach(None, None)
"""For statements that the ORM makes to load what belongs to an object: nothing to object to."""


def reach(statement: Any) -> Reach:
    """Walk a statement."""
    elements, known = [statement], frozenset[Any]()
    if statement.is_dml and "plugin_subject" in statement._propagate_attrs:
        known = frozenset([statement._propagate_attrs["plugin_subject"]])
        elements = _children(statement, without=statement.table)
    seen = set(known)
    found = next(_objections(elements, known, seen), None)
    plain = found is None and all(map(_is_plain, seen))
    return Reach(found, frozenset(entity.class_ for entity in seen) if plain else None)


@lru_cache(maxsize=1024)
def _is_plain(entity: Any) -> bool:
    """Whether an entity is a model whose rows bring nothing of other models along."""
    if not entity.is_mapper or entity.relationships or len(list(entity.self_and_descendants)) > 1:
        return False
    columns = (column for attribute in entity.column_attrs for column in attribute.columns)
    return entity.inherits is None and all(isinstance(column, sa.Column) for column in columns)


def _objections(elements: Iterable[Any], known: Known, seen: set[Any]) -> Iterator[str]:
    for element in elements:
        if (reason := _reason(element, known)) is not None:
            yield reason
        elif (entity := _entity(element)) is not None:
            seen.add(entity)
        else:
            yield from _objections(_children(element), _known_inside(element, known), seen)


def _reason(element: Any, known: Known) -> str | None:
    if isinstance(element, (TextClause, TextualSelect)) or _has_textual_part(element):
        return "textual SQL"
    if isinstance(element, sa.TableClause) and not isinstance(element, sa.Table):
        return "a table without its model"
    if isinstance(element, ColumnClause) and element.is_literal and element.name not in ("*", "1"):
        return "a literal column"
    if isinstance(element, DDLElement):
        return "a change of the schema"
    if isinstance(element, sa.UpdateBase):
        return "a write inside of another statement"
    if (entity := _entity(element)) is not None:
        return None if _is_known(entity, element, known) else "a model that only a condition names"
    return "a table without its model" if _is_tenants(element) else None


def _has_textual_part(element: Any) -> bool:
    if not isinstance(element, sa.Select):
        return False
    return bool(element._prefixes or element._suffixes or element._hints or element._statement_hints)


def holds_query(value: Any) -> bool:
    """Whether a value that an object is given is SQL with a query in it, which criteria do not reach."""
    if not isinstance(value, sa.ClauseElement):
        return False
    return any(isinstance(part, (sa.SelectBase, TextClause)) for part in visitors.iterate(value))


def _known_inside(element: Any, known: Known) -> Known:
    if isinstance(element, (sa.Subquery, sa.CTE)):
        return frozenset()  # stands in a FROM, where nothing around it can be meant
    if not isinstance(element, sa.Select):
        return known
    joined = [part for join in element._setup_joins for part in _joined(join[0])]
    return known.union(joined, *map(_entities, [*element._raw_columns, *element._from_obj]))


def _entities(element: Any) -> Iterator[Any]:
    """What a column expression or a FROM clause selects from, subqueries aside."""
    if (entity := _entity(element)) is not None:
        yield entity
    elif not isinstance(element, (sa.Select, sa.Subquery, sa.CTE, sa.ScalarSelect)):
        for child in _children(element):
            yield from _entities(child)


def _joined(target: Any) -> Iterator[Any]:
    prop = getattr(target, "property", None)
    if prop is None:
        yield from _entities(target)
    else:  # joined by a relationship
        yield getattr(target, "_of_type", None) or prop.mapper


def _entity(element: Any) -> Any:
    annotations = getattr(element, "_annotations", {})
    return annotations.get("parententity", annotations.get("parentmapper"))


def _is_known(entity: Any, element: Any, known: Known) -> bool:
    if entity in known:
        return True
    # a relationship's join condition knows only its mapper, also where the join is to an alias
    return "parententity" not in element._annotations and any(entity is one.mapper for one in known)


def _is_tenants(element: Any) -> bool:
    table = element if isinstance(element, sa.Table) else getattr(element, "table", None)
    return isinstance(table, sa.Table) and "tenant_id" in table.c


def _children(element: Any, *, without: Any = None) -> list[Any]:
    if isinstance(element, sa.Select):
        # Its own get_children() adds the tables of the columns that it selects, without what tells models apart.
        return list(visitors.HasTraverseInternals.get_children(element))
    hidden = [element.element] if type(element).__name__ == "FromStatement" else []
    return [child for child in (*element.get_children(), *hidden) if child is not without]
