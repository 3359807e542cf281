"""How the made-up past went: values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DAYS = 60

MARK = "(synthetic)"
"""Begins every text of the made-up past."""

BAD_DAY = 17
"""So many days ago a provider turned most calls away in the afternoon."""

HOURS = (1, 1, 1, 1, 1, 2, 4, 8, 13, 16, 17, 16, 13, 15, 17, 16, 13, 10, 7, 5, 4, 3, 2, 1)
"""How busy the hours of a day are, UTC."""

LONG_REPORT = " The quarter went as planned." * 3_000
"""Longer than what a log keeps."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A way in which runs fail, and how often beside the others."""

    weight: int
    status: Literal["error", "timeout", "cancelled"]
    message: str
    attempts: tuple[str | None, ...]
    """How each call to the model ended; None for well."""


FAILURES = {
    "rate_limited": Failure(8, "error", "The model answered 429, three times.", ("rate_limited",) * 3),
    "timeout": Failure(5, "timeout", "The model did not answer within 60 s.", ("timeout",)),
    "upstream": Failure(2, "error", "The model answered 503, three times.", ("upstream_503",) * 3),
    "invalid_output": Failure(2, "error", "The model did not write what was asked for.", (None,)),
    "cancelled": Failure(2, "cancelled", "The reader left.", ("cancelled",)),
}


@dataclass(frozen=True, slots=True)
class Model:
    """A model, its usual duration, and how many tokens it usually reads and writes."""

    provider: str
    name: str
    median_ms: int
    reads: int
    writes: int
