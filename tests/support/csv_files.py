"""CSV files as a spreadsheet opens them."""

from __future__ import annotations

import csv
import io

from flask_aiagents.web.csv import BOM


def rows_of(text: str) -> list[dict[str, str]]:
    """Rows of a file, which begins with a byte order mark, by the names in its header."""
    assert text.startswith(BOM)
    return list(csv.DictReader(io.StringIO(text.removeprefix(BOM), newline="")))
