"""The query dialect of lists, PostgREST's: from text to values. What becomes SQL is in ``selecting``.

``?status=eq.active&or=(name.ilike.*sales*,tenant_id.is.null)&order=created_at.desc&limit=20&select=id,name``
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from werkzeug.datastructures import MultiDict

from ..errors import BadRequest

OPERATORS = frozenset({"eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "in", "is", "cs"})
"""What a filter may ask; each may be preceded by ``not.``."""

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_OFFSET = 10_000
"""Rows a page: by default, at most; rows that may be skipped without a cursor."""

MAX_NESTING = 8
MAX_TEXT = 8_192
"""Bounds of one request's text: levels of ``or`` and ``and``, characters. More stand in ``query_bounds``."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a column, or on a place inside a JSON column."""

    column: str
    operator: str
    value: str
    negated: bool = False
    path: tuple[str, ...] = ()
    as_json: bool = False
    """Whether the path ends in ``->key``, a JSON value, and not in ``->>key``, its text."""


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions of which all (``and``) or one (``or``) must hold."""

    operator: str
    terms: tuple[Term, ...]
    negated: bool = False


Term: TypeAlias = Filter | Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a list was asked for."""

    terms: tuple[Term, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    """Column and whether it descends."""
    select: tuple[str, ...] = ()
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    cursor: str | None = None
    count: bool = False
    """Whether the total is wanted; it costs a count."""


def parse(args: MultiDict[str, str], *, count: bool = False, ignore: Iterable[str] = ()) -> Query:
    """``[("status", "eq.active")]`` -> ``Query(terms=(Filter("status", "eq", "active"),))``

    :raises BadRequest: for what is not in the dialect, with a hint of what would be.
    """
    pairs = [(key, value) for key, value in args.items(multi=True) if key not in ignore]
    if sum(len(key) + len(value) for key, value in pairs) > MAX_TEXT:
        raise BadRequest(f"The filters are longer than {MAX_TEXT} characters.", hint="Ask for less at once.")
    special = {key: value for key, value in pairs if key in ("order", "limit", "offset", "select", "cursor")}
    return Query(
        terms=tuple(_term(key, value) for key, value in pairs if key not in special),
        order=_orders(special.get("order", "")),
        select=tuple(dict.fromkeys(_split(special["select"]))) if special.get("select", "*") != "*" else (),
        limit=min(_number(special, "limit", DEFAULT_LIMIT), MAX_LIMIT),
        offset=_offset(special),
        cursor=special.get("cursor"),
        count=count,
    )


def walk(terms: Iterable[Term]) -> Iterator[Term]:
    """Every term, inner ones too."""
    for term in terms:
        yield term
        if isinstance(term, Group):
            yield from walk(term.terms)


def _term(key: str, value: str) -> Term:
    negated = key.startswith("not.")
    if key.removeprefix("not.") in ("or", "and"):
        return _group(key.removeprefix("not."), value, negated, 1)
    return _filter(key, value)


def _group(operator: str, text: str, negated: bool, depth: int) -> Group:
    if depth > MAX_NESTING:
        raise BadRequest(f"Conditions are nested deeper than {MAX_NESTING} levels.", hint="Flatten them.")
    if not (text.startswith("(") and text.endswith(")")):
        raise BadRequest(f"{operator} needs brackets.", hint=f"Write {operator}=(a.eq.1,b.eq.2).")
    terms = tuple(_inner(part, depth) for part in _split(text[1:-1]))
    return Group(operator, terms, negated)


def _inner(text: str, depth: int) -> Term:
    negated, bare = text.startswith("not."), text.removeprefix("not.")
    for operator in ("or", "and"):
        if bare.startswith(f"{operator}("):
            return _group(operator, bare.removeprefix(operator), negated, depth + 1)
    column, dot, rest = text.partition(".")
    if not dot:
        raise BadRequest(f"{text[:50]!r} is no condition.", hint="Write column.operator.value, as in name.eq.Ann.")
    term = _filter(column, rest)
    # Only inside of brackets do quotes protect a value; in lists they are taken off value by value.
    return term if term.operator in ("in", "cs") else replace(term, value=_unquote(term.value))


def _filter(key: str, text: str) -> Filter:
    negated, bare = text.startswith("not."), text.removeprefix("not.")
    operator, dot, value = bare.partition(".")
    if operator in ("match", "imatch"):
        raise BadRequest(f"{operator} is not offered.", hint="Use like or ilike with * for any characters.")
    if not dot or operator not in OPERATORS:
        raise BadRequest(
            f"{key[:50]}: {text[:50]!r} has no known operator.",
            details={"operators": sorted(OPERATORS)},
            hint=f"Write {key[:50]}=eq.{text[:50]}",
        )
    column, *path = re.split(r"->>?", key)
    as_json = bool(path) and "->>" not in key[-len(path[-1]) - 3 :]
    return Filter(column, operator, value, negated, tuple(path), as_json)


def values_of(text: str, brackets: str = "()") -> list[str]:
    """``(a,"b,c")`` -> ``["a", "b,c"]``

    :raises BadRequest: without the brackets.
    """
    if not (text[:1] == brackets[0] and text[-1:] == brackets[1]):
        raise BadRequest(f"{text[:50]!r} needs brackets.", hint=f"Write {brackets[0]}a,b{brackets[1]}.")
    return [_unquote(part) for part in _split(text[1:-1])] if text[1:-1].strip() else []


def _unquote(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[(){}]|,|[^"(){},]+|"')


def _split(text: str) -> list[str]:
    """Split at commas that stand outside of quotes and brackets."""
    parts, depth = [""], 0
    for match in _PIECE.finditer(text):
        piece = match.group()
        if piece == '"':  # at once, or each quote of thousands would look for its end in vain
            raise BadRequest(f"{text[:50]!r} has a quote that is not closed.", hint='Write a quote inside as \\".')
        depth += (piece in "({") - (piece in ")}")
        if piece == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += piece
    if depth:
        raise BadRequest(f"{text[:50]!r} has brackets that do not match.", hint="Close each bracket.")
    return [part.strip() for part in parts]


def _orders(text: str) -> tuple[tuple[str, bool], ...]:
    orders: dict[str, bool] = {}
    for part in _split(text) if text else ():
        orders.setdefault(*_order(part))
    return tuple(orders.items())


def _order(text: str) -> tuple[str, bool]:
    column, *options = text.split(".")
    if set(options) - {"asc", "desc"} or len(options) > 1:
        raise BadRequest(f"order={text[:50]} is not understood.", hint="Write order=created_at.desc,name.asc.")
    return column, options == ["desc"]


def _number(args: dict[str, str], name: str, default: int) -> int:
    text = args.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise BadRequest(f"{name}={text[:30]} is no number in range.", hint=f"Write {name}={default}.")
    return int(text)


def _offset(args: dict[str, str]) -> int:
    if (offset := _number(args, "offset", 0)) > MAX_OFFSET:
        raise BadRequest(
            f"offset goes up to {MAX_OFFSET}.",
            hint="Follow the Link header's next page: it costs the same at any depth.",
        )
    return offset
