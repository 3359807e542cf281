"""A whole filter of the log as CSV or JSON lines, in the memory of one page of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from flask import Response

from ...core.clock import utcnow
from ...errors import BadRequest
from ...types import JSONObject
from ...web.csv import lines
from ...web.filtering import MAX_LIMIT, Query
from ...web.json import dumps
from ...web.pagination import Page
from .columns import COLUMNS

Format = Literal["csv", "jsonl"]

TYPES: dict[str, str] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson; charset=utf-8"}
"""The formats, and what HTTP calls them."""


def checked_format(name: str) -> Format:
    """:raises BadRequest: for a format that there is not."""
    match name:
        case "csv" | "jsonl":
            return name
    raise BadRequest(f"format={name[:30]} is not known.", hint="Use format=csv or format=jsonl.")


def exported(read: Callable[[Query], Page], query: Query, format: Format) -> Iterator[bytes]:
    """The rows that a query asks for, page by page; no connection is held between two pages.

    The first page is read before anything is given out, so that a wrong query is an error and no broken file.
    """
    names = query.select or COLUMNS.names
    query = replace(query, select=tuple(names), limit=MAX_LIMIT, count=False)
    first = read(query)
    return _pages(first, read, query, names, format)


def download(parts: Iterator[bytes], format: str) -> Response:
    """An export as a file for a browser to keep."""
    response = Response(parts, content_type=TYPES[format])
    name = f"activity-{utcnow():%Y-%m-%d}.{format}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _pages(
    page: Page, read: Callable[[Query], Page], query: Query, names: Sequence[str], format: Format
) -> Iterator[bytes]:
    if format == "csv":
        yield lines([names]).encode()
    while True:
        if page.items:
            yield _written(page.items, names, format)
        if page.next_cursor is None:
            return
        page = read(replace(query, cursor=page.next_cursor, offset=0))


def _written(rows: Sequence[JSONObject], names: Sequence[str], format: Format) -> bytes:
    if format == "csv":
        return lines([row[name] for name in names] for row in rows).encode()
    return b"".join(dumps(row) + b"\n" for row in rows)
