"""What the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong (``problem``), or something that could be better (``advice``), and its mend."""

    kind: Literal["problem", "advice"]
    what: str
    mend: str
