"""The form of a provider key, so that one with a stray line break never reaches a header."""

from __future__ import annotations

import re

_KEY = re.compile(r"[\x21-\x7e]+")

KEY_FORM = "a key is one word of printable ASCII characters."
"""The rule in words, for messages."""


def clean_key(text: str) -> str | None:
    """Return the key without blanks and line breaks around it; None when it cannot be a key (RFC 9110, 5.5)."""
    stripped = text.strip()
    return stripped if _KEY.fullmatch(stripped) else None
