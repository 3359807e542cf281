"""Filters of the log that figures lead to: what ended, what failed, and whose model or agent nobody named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...features.activity.models import LogStatus
from ...web.filtering import Filter, Group, Term
from . import agent_words
from .filters import Choice, Id, Text
from .texts import _l

NONE = "(none)"
"""The value of an argument that asks for logs without any."""

ENDED = "ended"
FAILED = "failed"
"""Of these two the figures speak; the log itself knows how a run failed."""


class Outcome(Choice):
    """One status, or one of the two kinds of end."""

    def terms(self, args: Mapping[str, str]) -> tuple[Term, ...]:
        match args.get(self.name):
            case "ended":
                return (Filter("status", "neq", LogStatus.RUNNING.value),)
            case "failed":
                begun = f"({LogStatus.RUNNING.value},{LogStatus.SUCCESS.value})"
                return (Filter("status", "in", begun, negated=True),)
        return super().terms(args)


class ErrorKind(Text):
    """The word for what went wrong; it is the status where there is no other, as in the figures of errors."""

    def terms(self, args: Mapping[str, str]) -> tuple[Term, ...]:
        if not (word := args.get(self.name, "").strip()):
            return ()
        by_status = Group("and", (Filter("error", "is", "null"), Filter("status", "eq", word)))
        return (Group("or", (Filter("error", "eq", word), by_status)),)


class Known(Text):
    """A value that some logs have none of."""

    def terms(self, args: Mapping[str, str]) -> tuple[Term, ...]:
        if args.get(self.name) == NONE:
            return (Filter(self.column or self.name, "is", "null"),)
        return super().terms(args)


class KnownId(Known, Id):
    """An id that some logs have none of."""


def words(values: Iterable[str]) -> list[tuple[str, str]]:
    """Words of ours with what they are called."""
    return [(str(value), agent_words.spoken(str(value))) for value in values]


def outcomes() -> list[tuple[str, str]]:
    """How a log may stand."""
    return [(ENDED, _l("any that ended")), (FAILED, _l("any that failed")), *words(LogStatus)]


RARE = (
    Known("provider", _l("Provider")),
    Choice("unpriced", _l("Price"), lambda _: [("true", _l("no known price"))]),
)
"""Filters that are seen only where a figure led to them."""
