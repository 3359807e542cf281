"""From values to SQL: a parsed :class:`Query` becomes conditions on declared columns."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ..errors import BadRequest
from .columns import Column, Columns
from .filtering import Filter, Group, Term, values_of
from .json_places import COMPARE, Condition, Place, compare_json, compare_text, is_among, is_boolean, place_of
from .query_bounds import check_bounds

_KEY = re.compile(r"[\w-]{1,64}")
_INDEX = re.compile(r"[0-9]{1,5}", re.ASCII)
_CHARACTER = re.compile(r"\\[*%_\\]|.", re.DOTALL)
"""One character of a pattern, or one that a backslash makes stand for itself."""

_LIKE = {"*": "%", "%": "%", "_": "_"}
_GLOB = {"*": "*", "%": "*", "_": "?"}

_IS = {"null": None, "true": True, "false": False}


def conditions(columns: Columns, terms: Sequence[Term], dialect: str) -> list[Condition]:
    """What the rows must satisfy.

    :raises BadRequest: for unknown columns, values that do not fit them, and conditions beyond the bounds.
    """
    check_bounds(terms)
    return _conditions(columns, terms, dialect)


def _conditions(columns: Columns, terms: Sequence[Term], dialect: str) -> list[Condition]:
    return [_condition(columns, term, dialect) for term in terms]


def _condition(columns: Columns, term: Term, dialect: str) -> Condition:
    if isinstance(term, Group):
        combine = sa.or_ if term.operator == "or" else sa.and_
        built = combine(*_conditions(columns, term.terms, dialect))
    else:
        built = _compare(columns[term.column], term, dialect)
    return sa.not_(built) if term.negated else built


def _compare(column: Column, term: Filter, dialect: str) -> Condition:
    if term.path:
        return _compare_place(column, term, dialect)
    match term.operator:
        case "is":
            return _is(column, column.operand, term.value)
        case "cs":
            return _contains(column, term, dialect)
    if column.kind == "json":
        raise BadRequest(f"{column.name} is JSON.", hint=f"Compare a place in it: {column.name}->>key=eq.value.")
    match term.operator:
        case "in":
            return column.operand.in_([column.parse(value) for value in values_of(term.value)])
        case "like" | "ilike":
            return _like(column, column.operand, term, dialect)
    # a bound value even for true and false, which SQLAlchemy else takes for keywords that nothing is less than
    return COMPARE[term.operator](column.operand, sa.literal(column.parse(term.value), column.operand.type))


def _compare_place(column: Column, term: Filter, dialect: str) -> Condition:
    place = _place(column, term.path, dialect)
    match term.operator:
        case "is":
            return _is_there(place, term.value)
        case "cs":
            return _contains(column, term, dialect)
        case "in":
            return is_among(place, [column.parse(value) for value in values_of(term.value)])
        case "like" | "ilike":
            return _like(column, place.text, term, dialect)
    compare = compare_json if term.as_json else compare_text
    return compare(place, term.operator, column.parse(term.value))


def _place(column: Column, path: tuple[str, ...], dialect: str) -> Place:
    if column.kind != "json":
        raise BadRequest(f"{column.name} has no places inside.", hint="Only JSON columns take ->>.")
    if not all(map(_KEY.fullmatch, path)):
        raise BadRequest(f"{column.name}: a key has other characters than letters, digits, _ and -.")
    keys = tuple(int(key) if _INDEX.fullmatch(key) else key for key in path)
    return place_of(column.attribute, keys, dialect)


def _is_there(place: Place, value: str) -> Condition:
    wanted = _is_value(value)
    return place.text.is_(None) if wanted is None else is_boolean(place, wanted)


def _is(column: Column, target: Any, value: str) -> Condition:
    wanted = _is_value(value)
    if wanted is not None and column.kind != "boolean":
        raise BadRequest(f"{column.name} is neither true nor false.", hint="Write is.null.")
    return target.is_(wanted)


def _is_value(text: str) -> bool | None:
    if text.lower() not in _IS:
        raise BadRequest(f"is.{text[:20]} is not understood.", hint="Write is.null, is.true or is.false.")
    return _IS[text.lower()]


def _like(column: Column, target: Any, term: Filter, dialect: str) -> Condition:
    """``*`` and ``%`` stand for any characters, ``_`` for one; after a backslash for themselves."""
    if column.kind not in ("text", "json"):
        raise BadRequest(f"{column.name} is no text.", hint="Use eq, gt, lt or in.")
    text = column.parse(term.value)
    if dialect == "sqlite" and (term.operator == "like" or not text.isascii()):
        # Its LIKE ignores case, of ASCII letters alone; its GLOB does not.
        letter = _glob_letter if term.operator == "like" else _glob_letter_of_any_case
        return target.op("GLOB", is_comparison=True)(_pattern(text, _GLOB, letter))
    pattern = _pattern(text, _LIKE, lambda letter: f"\\{letter}" if letter in "%_\\" else letter)
    if dialect == "sqlite" or term.operator == "like":
        return target.like(pattern, escape="\\")
    return target.ilike(pattern, escape="\\")


def _pattern(text: str, wildcards: Mapping[str, str], letter: Callable[[str], str]) -> str:
    """Translate a pattern: ``letter`` writes a character that stands for itself."""
    return "".join(wildcards.get(found) or letter(found[-1]) for found in _CHARACTER.findall(text))


def _glob_letter(letter: str) -> str:
    return f"[{letter}]" if letter in "*?[" else letter


def _glob_letter_of_any_case(letter: str) -> str:
    cases = sorted({case for case in (letter, letter.lower(), letter.upper()) if len(case) == 1})
    return f"[{''.join(cases)}]" if len(cases) > 1 else _glob_letter(letter)


def _contains(column: Column, term: Filter, dialect: str) -> Condition:
    if column.kind != "json" or term.path:
        raise BadRequest(f"{column.name} is no list.", hint="cs is for lists, as in capabilities=cs.{chat}.")
    wanted = [column.parse(value) for value in values_of(term.value, "[]" if term.value[:1] == "[" else "{}")]
    if dialect == "postgresql":
        return sa.cast(column.attribute, postgresql.JSONB).contains(wanted)
    if dialect in ("mysql", "mariadb"):
        return sa.func.json_contains(column.attribute, json.dumps(wanted)) == 1
    is_list = sa.func.json_type(column.attribute) == "array"
    return sa.and_(is_list, *(_has(column, value) for value in wanted))


def _has(column: Column, value: str) -> Condition:
    each = sa.func.json_each(column.attribute).table_valued("value")
    return sa.exists(sa.select(each.c.value).where(each.c.value == value))
