"""One line of the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A measured ratio (or amount) against what it should reach."""

    number: str
    what: str
    measured: float | None
    goal: float
    moonshot: float
    more_is_better: bool = False
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return "not measured"
        if self._reaches(self.moonshot):
            return "moonshot"
        return "goal" if self._reaches(self.goal) else "missed"

    def _reaches(self, bound: float) -> bool:
        measured = self.measured or 0
        return measured >= bound if self.more_is_better else measured <= bound

    def text(self) -> str:
        measured = "-" if self.measured is None else f"{self.measured:.3g}"
        sign = ">=" if self.more_is_better else "<="
        bounds = f"{sign} {self.goal:g}, {sign} {self.moonshot:g}"
        return f"| {self.number} | {self.what} | {measured} | {bounds} | {self.verdict} | {self.note} |"
