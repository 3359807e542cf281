"""CSV that spreadsheets open safely."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from .json import dumps, time_text

_INVISIBLE = (
    "\x00-\x08\x0e-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
)
"""Blanks, control and zero-width characters, which spreadsheets may drop from the start of a cell."""

_FORMULA = re.compile(f"'*[{_INVISIBLE}]*[-=+@\uff0d\uff1d\uff0b\uff20\u2212\t\r\n\v\f]").match
"""The start of a formula, also in the full-width characters that East Asian versions of Excel read as ASCII."""

BOM = "\ufeff"
"""Begins a CSV file, so that Excel reads it as UTF-8."""


def cell(value: Any) -> str:
    """A value as a cell: money with all its digits, times as in JSON, objects as JSON text.

    Text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV injection);
    numbers of ours are no text and stay numbers.
    """
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case Decimal():
            return f"{value:f}"
        case datetime():
            return time_text(value)
        case UUID():
            return str(value)
        case str():
            return neutral(value)
    return neutral(dumps(value).decode())


def neutral(text: str) -> str:
    """Text that is no formula, whatever blanks come before it; :func:`original` takes it back.

    So what looks as if it had been changed, gets an apostrophe too.
    """
    return f"'{text}" if _FORMULA(text) else text


def original(cell: str) -> str:
    """The text that :func:`neutral` made a cell of."""
    return cell[1:] if cell.startswith("'") and _FORMULA(cell) else cell


def lines(rows: Iterable[Iterable[Any]]) -> str:
    """Rows of values as CSV text (RFC 4180)."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()
