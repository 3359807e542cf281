"""What a log keeps of a request or an answer: what the host lets be kept, as much as the agent's author wants,
at most 64 KB, and nothing that a database refuses."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from ...core.shared_transaction import release
from ...llm.text import scrub
from ...logs import logger
from ...types import JSON, JSONObject

_log = logger(__name__)

ALL_KB = 64
"""As much as a log keeps of a payload, as JSON, in KB."""

MAX_BYTES = ALL_KB * 1024

REDACTION_FAILED: JSONObject = {"redacted": True, "reason": "The redaction failed."}
"""What is kept of a payload that the host's function could not look at."""

Redact = Callable[[Any], Any]

_WRITTEN = ("output", "thinking", "raw")
"""Keys of a response that hold text of a model."""

_TOO_DEEP = "(nested too deeply to keep)"

_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Payloads:
    """What logs keep of payloads in one app.

    :param redact: the host's function, which takes personal data out of a payload before anything is stored.
    """

    redact: Redact | None = None

    def kept(self, value: JSON, kb: int = ALL_KB) -> JSON:
        """The value as it is kept: redacted, and cut to so many KB; 0 keeps nothing.

        Never fails: a log is worth more than what it holds of a request.
        """
        if value is None or kb == 0:
            return None
        return bounded(value if self.redact is None else self._redacted(value), kb * 1024)

    def kept_midway(self, value: JSON, kb: int = ALL_KB) -> JSON:
        """The same of an answer that is still being written or broke off, without its text where it is to be
        redacted: half a number is none that the host's function would know."""
        if self.redact is not None and isinstance(value, dict) and any(value.get(name) for name in _WRITTEN):
            value = {name: part for name, part in value.items() if name not in _WRITTEN} | {"partial": True}
        return self.kept(value, kb)

    def word(self, text: str | None, length: int) -> str | None:
        """A client's word as it is kept: redacted, and cut to its column; None where nothing is left of it."""
        redacted = text if text is None or self.redact is None else self._redacted(text)
        return clipped(redacted, length) if isinstance(redacted, str) else None

    def _redacted(self, value: JSON) -> JSON:
        try:
            release()  # the host's function may take long
            # A copy: what the function changes is the log's business, and not the answer's.
            redacted = self.redact(deepcopy(value)) if self.redact else value
            _encode(redacted)
            return redacted
        except Exception:  # whatever the host's function does, its data must not get through
            _log.exception("AIAgents(redact=...) failed, so nothing of this payload is kept.")
            return REDACTION_FAILED


def bounded(value: JSON, most: int = MAX_BYTES) -> JSON:
    """The value itself, or its beginning and its size where it is too long.

    Never fails: a log is worth more than the exact shape of something odd in it.

    :param most: bytes of JSON in UTF-8.
    """
    if value is None:
        return None
    try:
        data = _encode(value).encode()
    except (TypeError, ValueError, RecursionError):  # UnicodeEncodeError, for half characters, is a ValueError
        data = None
    if data is None or b"\\u0000" in data:
        value = _tamed(value)
        data = _encode(value).encode()
    if len(data) <= most:
        return value
    # The head is text within JSON, where quotes and backslashes take two bytes each.
    return {"truncated": True, "bytes": len(data), "head": data[: most // 2 - 100].decode(errors="ignore")}


def clipped(text: str | None, length: int) -> str | None:
    """A word that fits its column, None for a blank one.

    Without blanks at its end: MariaDB compares words as if there were none, the other databases do not.
    """
    if text is None:
        return None
    if len(text) > length or not text.isprintable():
        text = scrub(text)[:length]
    return text.rstrip() or None


def _tamed(value: Any) -> JSON:
    try:
        return _plain(value)
    except RecursionError:
        return _TOO_DEEP


def _plain(value: Any) -> JSON:
    """JSON without NUL, half characters, NaN and Infinity; what JSON does not know is told as text."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return scrub(value)
        case Mapping():
            return {scrub(str(key)): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return scrub(str(value))
