"""A whole filter of the log as CSV or JSON lines, in the memory of one page of it.

An export is in the order of time, that is, of ids. So one that broke off goes on behind the last row that arrived:
its id is the ``cursor`` of the next one, which has no header and is what was missing.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

from flask import Response, request

from ...core.clock import utcnow, uuid7_time
from ...errors import BadRequest
from ...types import JSONObject
from ...web.compression import compress
from ...web.csv import BOM, lines
from ...web.filtering import MAX_LIMIT, Query
from ...web.json import dumps
from ...web.pagination import Page, cursor_behind
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
    names, header = query.select or COLUMNS.names, query.cursor is None
    query = replace(query, select=tuple(names), limit=MAX_LIMIT, count=False, cursor=_behind(query))
    first = read(query)
    return _pages(first, read, query, names, format, header)


class Export(Iterator[bytes]):
    """The parts of an export; calls ``release`` when it ends, is closed or collected."""

    def __init__(self, parts: Iterator[bytes], release: Callable[[], None]) -> None:
        self._parts = parts
        self.close = weakref.finalize(self, release)

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except BaseException:  # StopIteration, too: nothing follows an error either
            self.close()
            raise


def download(export: Export, format: str) -> Response:
    """An export as a file for a browser to keep, packed on the way when it likes."""
    response = Response(export, content_type=TYPES[format])
    name = f"activity-{utcnow():%Y-%m-%d}.{format}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.call_on_close(export.close)
    return compress(response, request)


def _behind(query: Query) -> str | None:
    """What lists take for a cursor, from the id of the last row that arrived."""
    if query.cursor is None:
        return None
    if not set(dict(query.order)) <= {"created_at", "id"}:
        raise BadRequest("Only an export in the order of time can go on.", hint="Leave order out.")
    try:
        last = UUID(query.cursor)
        return cursor_behind(COLUMNS, query, {"id": last, "created_at": uuid7_time(last)})
    except ValueError as error:
        raise BadRequest(
            f"cursor={query.cursor[:50]} is no id of a log.", hint="Send the id of the last row that arrived."
        ) from error


def _pages(
    page: Page, read: Callable[[Query], Page], query: Query, names: Sequence[str], format: Format, header: bool
) -> Iterator[bytes]:
    if header and format == "csv":
        yield (BOM + lines([names])).encode()
    while True:
        if page.items:
            yield _written(page.items, names, format)
        if page.next_cursor is None:
            return
        page = read(replace(query, cursor=page.next_cursor, offset=0))


def _written(rows: Sequence[JSONObject], names: Sequence[str], format: Format) -> bytes:
    if format == "csv":
        return lines([_cell(row[name], name) for name in names] for row in rows).encode()
    return b"".join(dumps(row) + b"\n" for row in rows)


def _cell(value: Any, name: str) -> Any:
    """JSON as its text, a word in it too: so that it can be read back."""
    return value if value is None or COLUMNS[name].kind != "json" else dumps(value).decode()
