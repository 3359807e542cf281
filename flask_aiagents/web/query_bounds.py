"""Bounds of what one list query may ask of the database, checked for every surface before it becomes SQL.

The time of a pattern grows with its length times the length of the text, for each row: 100 characters on 64 KB
take 20 to 40 ms. No time limit ends it in the middle of one text, so the pattern itself is bounded.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..core.principal import Principal
from ..errors import BadRequest
from .filtering import Filter, Query, Term, walk

MAX_TERMS = 100
"""Conditions of one query, inner ones included."""

MAX_PATTERN = 100
"""Characters of one pattern of ``like`` or ``ilike``."""

MAX_PATTERNS = 10
"""Patterns of one query."""

MAX_WILDCARDS = 8
"""Wildcards of one pattern that stand for any number of characters."""

MAX_VALUES = 250
"""Values of all ``in`` lists of one query: as many ids as fit into the longest query string."""

MAX_CONTAINED = 20
"""Values of all ``cs`` lists of one query: each reads the JSON of every row."""

MAX_PATHS = 20
"""Conditions on a place inside a JSON column: each reads the JSON of every row."""

MAX_PATH = 16
"""Keys of one path into a JSON column."""

_PATTERNS = frozenset({"like", "ilike"})
_CHEAP_ORDER = frozenset({"id", "created_at"})


def check_bounds(terms: Sequence[Term]) -> None:
    """Refuse conditions that are too many or too costly.

    :raises BadRequest: naming the bound.
    """
    every = list(walk(terms))
    filters = [term for term in every if isinstance(term, Filter)]
    patterns = [term.value for term in filters if term.operator in _PATTERNS]
    _check("conditions", len(every), MAX_TERMS, "Use in.(...) for many values of one column.")
    _check("patterns", len(patterns), MAX_PATTERNS, "Use eq or in where the whole text is known.")
    for pattern in patterns:
        _check("characters in a pattern", len(pattern), MAX_PATTERN, "Search for a shorter part of the text.")
        wildcards = pattern.count("*") + pattern.count("%")
        _check("wildcards in a pattern", wildcards, MAX_WILDCARDS, "Search for one part of the text.")
    _check("values in lists of in", _values(filters, "in"), MAX_VALUES, "Send several requests.")
    _check("values in lists of cs", _values(filters, "cs"), MAX_CONTAINED, "Ask for fewer values at once.")
    paths = [term.path for term in filters if term.path]
    _check("conditions on JSON paths", len(paths), MAX_PATHS, "Ask for fewer at once.")
    for path in paths:
        _check("keys in a JSON path", len(path), MAX_PATH, "Compare a place nearer to the top.")


def counted(query: Query | None, principal: Principal) -> Principal | None:
    """Return the principal when its query counts among the expensive reads, else None."""
    return principal if query is not None and is_expensive(query) else None


def is_expensive(query: Query) -> bool:
    """Whether a query may read many rows whatever the indexes."""
    filters = [term for term in walk(query.terms) if isinstance(term, Filter)]
    searches = any(term.operator in _PATTERNS or term.operator == "cs" or term.path for term in filters)
    return searches or query.count or not _CHEAP_ORDER.issuperset(dict(query.order))


def _values(filters: Sequence[Filter], operator: str) -> int:
    """The most values that the lists of an operator can have: commas inside quotes count, too."""
    return sum(term.value.count(",") + 1 for term in filters if term.operator == operator)


def _check(what: str, number: int, limit: int, hint: str) -> None:
    if number > limit:
        raise BadRequest(f"The query has {number} {what}; {limit} are allowed.", hint=hint)
