"""The ``Prefer`` header, read as RFC 7240 defines it."""

from __future__ import annotations

import re

MAX_LENGTH = 1_000
"""Characters of the header that are read."""

_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[,;]|[^,;"]+|"')
_PREFERENCE = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)\s*(?:=\s*(\"?)(.*?)\2)?", re.DOTALL)


def parse_prefer(header: str) -> dict[str, str]:
    """Parse preferences: ``return=minimal, wait=5; x=1`` -> ``{"return": "minimal", "wait": "5"}``.

    Names are in lower case; of two preferences of one name the first holds. Parameters are left out, and so is
    what cannot be read: a server ignores preferences that it does not understand.
    """
    found: dict[str, str] = {}
    for text in _preferences(header[:MAX_LENGTH]):
        if match := _PREFERENCE.fullmatch(text.strip()):
            found.setdefault(match[1].lower(), re.sub(r"\\(.)", r"\1", match[3] or ""))
    return found


def _preferences(header: str) -> list[str]:
    """Split at commas outside of quotes; what follows a semicolon is a parameter."""
    preferences, in_parameter = [""], False
    for piece in _PIECE.findall(header):
        if piece == ",":
            preferences.append("")
        in_parameter = piece == ";" or (in_parameter and piece != ",")
        if not in_parameter and piece != ",":
            preferences[-1] += piece
    return preferences
