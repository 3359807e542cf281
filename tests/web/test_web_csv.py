from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from flask_aiagents.web.csv import cell, lines, neutral, original


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "true"),
        (-5, "-5"),
        (Decimal("-0.000000000001"), "-0.000000000001"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        ({"a": [1]}, '{"a":[1]}'),
        ("plain", "plain"),
        ("=cmd", "'=cmd"),
        ("  @x", "'  @x"),
        ("\rx", "'\rx"),
        ("'=cmd", "''=cmd"),
        ("'plain", "'plain"),
        ("a=b", "a=b"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("\uff20x", "'\uff20x"),
        ("\uff0bx", "'\uff0bx"),
        ("\ufeff=x", "'\ufeff=x"),
        ("\u200b\u2060@x", "'\u200b\u2060@x"),
        ("\x0b=x", "'\x0b=x"),
        ("\x0cx", "'\x0cx"),
        ("\xad-x", "'\xad-x"),
        ("\x00=x", "'\x00=x"),
        ("\u200bplain", "\u200bplain"),
        ("", ""),
    ],
)
def test_cells(value: Any, shown: str) -> None:
    """Each kind of value as a spreadsheet may safely see it."""
    assert cell(value) == shown


def test_any_text_comes_back_whole() -> None:
    """Quotes, commas and line ends inside of cells survive."""
    row = ['say "hi"', "a,b", "two\r\nlines", "ü"]
    assert list(csv.reader(io.StringIO(lines([row]), newline=""))) == [row]


@pytest.mark.parametrize(
    "text",
    ["=a", "\ufeff=a", "\u200b\uff1da", "'=a", "''=a", " =a", "' =a", "'", "a", "", "'a", "\u3000-", "-'", "'\n"],
)
def test_neutral_text_can_be_taken_back(text: str) -> None:
    """Whoever reads a file of ours knows what stood there."""
    assert original(neutral(text)) == text
    assert not neutral(text).lstrip(" \u00a0\u3000").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
