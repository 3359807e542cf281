"""Filters of a list: from a page's address to the terms of a query, in the words that the API uses too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Protocol
from uuid import UUID

from ...core.clock import utcnow, uuid7_from
from ...errors import BadRequest
from ...features.analytics.period import Period
from ...web.filtering import Filter, Group, Term
from ...web.json import time_text
from .texts import _l

Choices = Callable[[Any], Iterable[tuple[str, str]]]
"""Values and labels, given the view."""


class ListFilter(Protocol):
    """One filter of a list; its name is its argument in the address, and blank means off."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...

    def terms(self, args: Mapping[str, str]) -> tuple[Term, ...]:
        """What the arguments ask.

        :raises BadRequest: for a value that it does not take.
        """
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some values."""

    name: str
    label: str
    choices: Choices
    column: str = ""
    path: tuple[str, ...] = ()
    operator: str = "eq"
    super_admin_only: bool = False

    widget: ClassVar[str] = "choice"

    def terms(self, args: Mapping[str, str]) -> tuple[Term, ...]:
        if not (value := args.get(self.name)):
            return ()
        value = json.dumps([value]) if self.operator == "cs" else value
        return (Filter(self.column or self.name, self.operator, value, path=self.path),)


@dataclass(frozen=True, slots=True)
class Text:
    """A value that is typed."""

    name: str
    label: str
    column: str = ""
    path: tuple[str, ...] = ()
    super_admin_only: bool = False

    widget: ClassVar[str] = "text"

    def terms(self, args: Mapping[str, str]) -> tuple[Term, ...]:
        value = args.get(self.name, "").strip()
        return (Filter(self.column or self.name, "eq", value, path=self.path),) if value else ()


@dataclass(frozen=True, slots=True)
class Id(Text):
    """An id that is typed or linked to.

    :raises BadRequest: in ``terms``, for what is no id.
    """

    def terms(self, args: Mapping[str, str]) -> tuple[Term, ...]:
        value = args.get(self.name, "").strip()
        if not value:
            return ()
        try:
            return (Filter(self.column or self.name, "eq", str(UUID(value))),)
        except ValueError as error:
            raise BadRequest(
                f"{value[:40]!r} is no id.", hint="Follow a link to it, or leave it empty."
            ) from error


@dataclass(frozen=True, slots=True)
class Since:
    """A period: ``last=7d``, or ``from`` and ``to``. Asked of the ids where they carry the time.

    :param by_id: for rows whose id is as old as they are; the index on ids then answers.
    """

    name: str = "last"
    label: str = _l("Period")
    column: str = "created_at"
    by_id: bool = False
    super_admin_only: bool = False

    widget: ClassVar[str] = "period"
    spans: ClassVar[tuple[tuple[str, str], ...]] = (
        ("1h", _l("Last hour")),
        ("24h", _l("Last 24 hours")),
        ("7d", _l("Last 7 days")),
        ("30d", _l("Last 30 days")),
    )

    def terms(self, args: Mapping[str, str]) -> tuple[Term, ...]:
        given = {key: value for key in ("last", "from", "to") if (value := args.get(key, ""))}
        if "from" in given or "to" in given:
            given.pop("last", None)
        if not given:
            return ()
        period = Period.parse(with_last_day(given), utcnow())
        before = self._at("lt", period.end)
        return (before,) if given.keys() == {"to"} else (self._at("gte", period.start), before)

    def _at(self, operator: str, time: datetime) -> Filter:
        if self.by_id:
            return Filter("id", operator, str(uuid7_from(time)))
        return Filter(self.column, operator, time_text(time))


def with_last_day(args: Mapping[str, str]) -> dict[str, str]:
    """The arguments of a period with what they mean: up to the end of the day that ``to`` names."""
    try:
        following = date.fromisoformat(args.get("to", "")) + timedelta(days=1)
    except (ValueError, OverflowError):
        return dict(args)  # a time, or what the period refuses
    return {**args, "to": following.isoformat()}


def search_terms(text: str | None, columns: Iterable[str]) -> tuple[Term, ...]:
    """Rows of which one column contains the text, whatever the case."""
    words = (text or "").strip().replace("*", "").replace("%", "")
    wanted = tuple(Filter(column, "ilike", f"*{words}*") for column in columns)
    # A list without a search may still be asked for one, by its address.
    return (Group("or", wanted),) if words and wanted else ()
