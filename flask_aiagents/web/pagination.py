"""Keyset pages: the next page starts after the last row's values, so any depth costs the same."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import sqlalchemy as sa

from ..core.tenancy import Prepared, TenantSession
from ..errors import BadRequest
from ..types import JSONObject
from .columns import Column, Columns
from .filtering import Query
from .json import dumps
from .selecting import Condition, conditions

Order = Sequence[tuple[str, bool]]

_MAX_NUMBER = 2**53


@dataclass(frozen=True)
class Page:
    """Some rows of a list, and the way to the next ones."""

    columns: Sequence[Column]
    """Columns of a row that are shown."""
    rows: Sequence[Sequence[Any]]
    """Values of these columns, perhaps with further ones behind them; JSON is the database's text."""
    first: int
    """The number of the first row, from 0."""
    total: int | None
    """All rows, when the query asked to count them."""
    next_cursor: str | None

    @cached_property
    def items(self) -> list[JSONObject]:
        """The rows as host code and the panel read them."""
        return [
            {column.name: column.value(value) for column, value in zip(self.columns, row, strict=False)}
            for row in self.rows
        ]

    def json(self) -> str:
        """The rows as a JSON array, made without the objects that :attr:`items` makes."""
        writers = [(f'"{column.name}":', column.write) for column in self.columns]
        return f"[{','.join([_row_json(writers, row) for row in self.rows])}]"


def _row_json(writers: Sequence[tuple[str, Callable[[Any], str]]], row: Sequence[Any]) -> str:
    members = [
        name + ("null" if value is None else write(value))
        for (name, write), value in zip(writers, row, strict=False)
    ]
    return f"{{{','.join(members)}}}"


def list_page(session: TenantSession, columns: Columns, query: Query | None = None, *where: Condition) -> Page:
    """The page of a model's rows that a query asks for.

    :raises BadRequest: for what the columns do not offer, and for a cursor of another query.
    """
    query = query or Query()
    order = _full_order(columns, query)
    filters = [*where, *conditions(columns, query.terms, session.get_bind().dialect.name)]
    after, first = _position(columns, query, order)
    shown = tuple(columns[name].name for name in query.select) or columns.names
    # The cursor holds the last row's values of the order, shown or not.
    fetched = tuple(dict.fromkeys((*shown, *dict(order))))
    statement = _statement(columns, fetched, tuple(order))
    window = {"page_limit": query.limit + 1, "page_offset": 0 if query.cursor else query.offset}
    # Clients could fill the cache of prepared statements with their own selections.
    if filters or after or query.select or query.order:
        rows = session.execute(statement.statement.where(*filters, *after), window).all()
    else:
        rows = session.rows(statement, window)
    kept = rows[: query.limit]
    last = dict(zip(fetched, kept[-1], strict=True)) if len(rows) > query.limit and kept else None
    return Page(
        columns=[columns[name] for name in shown],
        rows=kept,
        first=first,
        total=_count(session, columns, filters) if query.count else None,
        next_cursor=_cursor(query, order, [last[name] for name, _ in order], first + len(kept)) if last else None,
    )


def cursor_behind(columns: Columns, query: Query, row: Mapping[str, Any]) -> str:
    """The cursor with which a query goes on behind a row, of which these values decide its place."""
    order = _full_order(columns, query)
    return _cursor(query, order, [row[name] for name, _ in order], 0)


@lru_cache(maxsize=256)
def _statement(columns: Columns, names: tuple[str, ...], order: Order) -> Prepared:
    """A page of these columns, before any condition. Kept, since building and checking it costs as much as
    the database's part."""
    keys = [(columns[name].attribute, descending) for name, descending in order]
    return Prepared(
        sa.select(*(columns[name].fetched for name in names))
        .order_by(*(key.desc() if descending else key.asc() for key, descending in keys))
        .limit(sa.bindparam("page_limit", type_=sa.Integer))
        .offset(sa.bindparam("page_offset", type_=sa.Integer))
    )


def _count(session: TenantSession, columns: Columns, filters: list[Condition]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(columns.model).where(*filters)) or 0


def _full_order(columns: Columns, query: Query) -> list[tuple[str, bool]]:
    order = [*(query.order or (columns.order,))]
    for name, _ in order:
        if not columns[name].sortable:
            raise BadRequest(
                f"{name} cannot order a list: it may be empty or long.",
                details={"columns": [column.name for column in columns if column.sortable]},
                hint="Order by one of the columns in details.",
            )
    if "id" not in dict(order):
        order.append(("id", order[-1][1]))
    return order


def _position(columns: Columns, query: Query, order: Order) -> tuple[list[Condition], int]:
    if not query.cursor:
        return [], query.offset
    values, number = _read_cursor(query, order)
    parsed = [columns[name].parse(value) for (name, _), value in zip(order, values, strict=True)]
    return [_after(columns, order, parsed)], number


def _after(columns: Columns, order: Order, values: list[Any]) -> Condition:
    """Rows behind these values. One direction is a row comparison, which an index answers at once."""
    attributes = [columns[name].operand for name, _ in order]
    typed = [sa.literal(value, attribute.type) for value, attribute in zip(values, attributes, strict=True)]
    directions = {descending for _, descending in order}
    if len(directions) == 1:
        one, other = sa.tuple_(*attributes), sa.tuple_(*typed)
        return one < other if directions.pop() else one > other
    behind: Condition = sa.false()
    for (_, descending), attribute, value in reversed(list(zip(order, attributes, typed, strict=True))):
        step = attribute < value if descending else attribute > value
        behind = sa.or_(step, sa.and_(attribute == value, behind))
    return behind


def _cursor(query: Query, order: Order, values: Sequence[Any], number: int) -> str:
    content = dumps([_fingerprint(query, order), number, *map(_as_text, values)])
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _as_text(value: Any) -> str:
    plain = json.loads(dumps(value))
    return plain if isinstance(plain, str) else json.dumps(plain)


def _read_cursor(query: Query, order: Order) -> tuple[list[str], int]:
    try:
        raw = base64.urlsafe_b64decode((query.cursor or "") + "==")
        fingerprint, number, *values = json.loads(raw)
        if fingerprint != _fingerprint(query, order) or type(number) is not int or len(values) != len(order):
            raise ValueError("another query's")
        return [str(value) for value in values], max(0, min(number, _MAX_NUMBER))
    except (ValueError, TypeError, RecursionError) as error:
        raise BadRequest(
            "The cursor does not belong to this query.", hint="Start again without it, or keep filters and order."
        ) from error


def _fingerprint(query: Query, order: Order) -> str:
    return hashlib.sha256(repr((query.terms, list(order))).encode("utf-8", "replace")).hexdigest()[:16]
