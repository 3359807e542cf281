"""The panel's translations: collect its texts into every catalogue, and compile them.

``python scripts/texts.py`` updates ``translations/<language>/LC_MESSAGES/aiagents.po`` and writes the ``.mo``
beside it; ``--missing`` only says which texts lack a translation, and ends with 1 when some do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PANEL = Path(__file__).parent.parent / "flask_aiagents" / "surfaces" / "admin"

METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy": None, "ngettext": (1, 2), "each": (3, 4)}
"""Functions that are given a text; the numbers are those of singular and plural."""

OPTIONS = {"**.html": {"trimmed": "true", "silent": "false", "extensions": "jinja2.ext.do"}}


def texts() -> Catalog:
    """All texts of the panel."""
    catalog = Catalog(project="flask-aiagents")
    found = extract_from_dir(str(PANEL), METHODS, OPTIONS, KEYWORDS)
    for _, _, message, _, _ in sorted(found, key=lambda one: (str(one[2]), one[0])):
        catalog.add(message)
    return catalog


def catalogues() -> Iterator[Path]:
    """The catalogue of each language."""
    return PANEL.glob("translations/*/LC_MESSAGES/aiagents.po")


def updated(path: Path) -> Catalog:
    """A language's catalogue with exactly the panel's present texts."""
    with path.open("rb") as file:
        catalog = read_po(file, locale=path.parts[-3])
    catalog.update(texts(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    return catalog


def missing(catalog: Catalog) -> list[str]:
    """The texts that have no translation."""
    return [str(message.id) for message in catalog if message.id and not _translated(message.string)]


def _translated(string: object) -> bool:
    return all(string) if isinstance(string, (list, tuple)) else bool(string)


def main() -> int:
    lacking = 0
    for path in catalogues():
        catalog = updated(path)
        if "--missing" not in sys.argv:
            with path.open("wb") as po, path.with_suffix(".mo").open("wb") as mo:
                write_po(po, catalog, omit_header=False, width=110, no_location=True)
                write_mo(mo, catalog)
        for text in missing(catalog):
            lacking += 1
            print(f"{path.parts[-3]}: {text}")  # noqa: T201  # a program's own words
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
