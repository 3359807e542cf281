"""The code blocks of README and docs, as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """The page's blocks in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def pages_with(language: str) -> list[str]:
    """Names of the pages that have such blocks."""
    return [page.name for page in PAGES if blocks(page, language)]


def page(name: str) -> Path:
    """The page of this name."""
    return next(found for found in PAGES if found.name == name)
