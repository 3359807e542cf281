"""How values look on a page: filters of the panel's templates."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from markupsafe import Markup

from ...core.clock import utcnow
from ...web.json import dumps
from .texts import _, _l, ngettext

NOTHING = "\N{EN DASH}"
"""What is shown where there is no value."""

_SPANS = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min"))


def money(value: Decimal | str | None) -> str:
    """US dollars: cents from a dollar on, else as many digits as tell something."""
    if value is None:
        return NOTHING
    amount = Decimal(value)
    if amount == 0:
        return "$0"
    places = 2 if abs(amount) >= 1 else min(12, 1 - amount.adjusted())
    return f"${amount:,.{places}f}"


def number(value: int | float | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def percent(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:.0%}" if value in (0, 1) else f"{min(value * 100, 99.9):.1f}%"


def duration(milliseconds: float | None) -> str:
    if milliseconds is None:
        return NOTHING
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def when(value: datetime | str | None) -> str | Markup:
    """A time as how long ago it was; the whole time is in the title, and the browser makes it local."""
    if value is None:
        return NOTHING
    time = _time(value)
    exact = f"{time:%Y-%m-%d %H:%M:%S} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        f"{time:%Y-%m-%dT%H:%M:%SZ}", exact, _ago(time)
    )


def _time(value: datetime | str) -> datetime:
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _ago(time: datetime) -> str:
    past = utcnow() - time
    if past < timedelta(0):
        return f"{time:%Y-%m-%d %H:%M}"
    if past >= timedelta(days=30):
        return f"{time:%Y-%m-%d}"
    for span, unit in _SPANS:
        if past >= span:
            return _AGO[unit](past // span)
    return _("just now")


_AGO = {
    "d": lambda n: ngettext("%(num)s day ago", "%(num)s days ago", n),
    "h": lambda n: ngettext("%(num)s hour ago", "%(num)s hours ago", n),
    "min": lambda n: _("%(n)s min ago", n=n),
}

_TONES = {
    **dict.fromkeys(("active", "success"), "good"),
    **dict.fromkeys(("error", "timeout", "interrupted", "revoked"), "bad"),
    **dict.fromkeys(("maintenance", "cancelled", "expired"), "warn"),
    "running": "run",
}


WORDS = (
    *(_l("active"), _l("inactive"), _l("error"), _l("maintenance"), _l("running"), _l("success"), _l("timeout")),
    *(_l("cancelled"), _l("interrupted"), _l("expired"), _l("revoked")),
)
"""Statuses, which pages show by their names: here for the translators."""


def badge(status: str | None) -> Markup:
    """A status as a small word with its tone; the word says it, the colour only helps."""
    if not status:
        return Markup("")
    return Markup('<span class="aia-badge aia-badge-{}">{}</span>').format(_TONES.get(status, "calm"), _(status))


def tags(values: list[Any] | None, shown: int = 3) -> Markup:
    """The first of some words, and how many more there are."""
    values = [str(value) for value in values or []]
    words = [Markup('<span class="aia-tag">{}</span>').format(value) for value in values[:shown]]
    if more := values[shown:]:
        words.append(Markup('<span class="aia-tag" title="{}">+{}</span>').format(", ".join(more), len(more)))
    return Markup(" ").join(words)


def pretty_json(value: Any) -> str:
    """JSON with indents; text stays text."""
    if isinstance(value, str):
        return value
    return json.dumps(json.loads(dumps(value)), indent=2, ensure_ascii=False)


def short_id(value: UUID | str | None) -> str:
    """The end of an id, which is where two ids of the same minute differ."""
    return f"…{str(value)[-8:]}" if value else NOTHING


FILTERS = {
    function.__name__: function
    for function in (money, number, percent, duration, when, badge, tags, pretty_json, short_id)
}
