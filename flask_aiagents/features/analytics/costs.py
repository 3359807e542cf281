"""What was spent: on which models and agents, what has no known price, and what the month will come to."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ...core.clock import utcnow
from ...core.columns import PICO
from ...core.tenancy import TenantSession
from ...types import JSONObject
from .figures import Figures
from .names import agent_names
from .period import Period
from .reading import read
from .reports import bound, leading, named, stepwise
from .which import Only
from .zones import midnight, zone_of

MEAN_DAYS = 7
"""Whole days before today whose mean is expected of each day that the month has left."""

_DAY = timedelta(days=1)


def costs(session: TenantSession, period: Period, top: int, zone: str, only: Only) -> JSONObject:
    """The costs of a period, of the one before it, and of the month that is."""
    bound(top)
    before = period.start - (period.end - period.start)
    previous, present = stepwise(session, [before, period.start, period.end], only)
    total = present.cost()
    by_model = _added_up(session, period, {"model"}, ("provider", "model"), only)
    return {
        "cost_usd": total,
        "by_model": _dearest([(key, part, named("model", key, {})) for key, part in by_model.items()], top, total),
        "by_agent": _by_agent(session, period, top, total, only),
        "unpriced": _unpriced(by_model, top),
        "projection": projection(session, zone, only),
        "previous": {"cost_usd": previous.cost()},
        "client_reported": present.by_client.to_dict(),
        "unknown_source": present.by_unknown.to_dict(),
    }


def projection(session: TenantSession, zone: str, only: Only, now: datetime | None = None) -> JSONObject:
    """What the month of a zone has cost so far, and with the mean of the last seven whole days in each day left.

    Without any cost in these seven nothing is expected: None. Today is one of the days that are left.
    """
    today = (now or utcnow()).astimezone(zone_of(zone)).date()
    month, week, tomorrow = today.replace(day=1), today - MEAN_DAYS * _DAY, today + _DAY
    days = sorted({month, week, today, tomorrow})
    parts = stepwise(session, [midnight(day, zone_of(zone)) for day in days], only)

    def spent(first: date, end: date) -> Decimal:
        amounts = (part.cost_usd for day, part in zip(days, parts, strict=False) if first <= day < end)
        return sum(amounts, Decimal(0)).quantize(PICO)

    left = ((month + 31 * _DAY).replace(day=1) - today).days
    mean = spent(week, today) / MEAN_DAYS
    expected = max(spent(month, tomorrow), spent(month, today) + mean * left)
    return {
        "month": f"{month:%Y-%m}",
        "spent_usd": spent(month, tomorrow),
        "projected_usd": expected.quantize(PICO) if mean else None,
        "from_days": MEAN_DAYS,
    }


def _by_agent(session: TenantSession, period: Period, top: int, total: Decimal, only: Only) -> list[JSONObject]:
    most = leading(session, period, "agent", top, only, "cost_usd")
    among = only.among_these([{"agent_id": key[0]} for key in most])
    parts = _added_up(session, period, {"agent"}, ("agent_id",), among)
    names = agent_names(session, [key[0] for key in parts])
    return _dearest([(key, part, named("agent", key, names)) for key, part in parts.items()], top, total)


def _added_up(
    session: TenantSession, period: Period, dimensions: set[str], columns: tuple[str, ...], only: Only
) -> dict[tuple[Any, ...], Figures]:
    parts: dict[tuple[Any, ...], Figures] = defaultdict(Figures)
    for row in read(session, [period.start, period.end], dimensions, only):
        parts[tuple(getattr(row, name) for name in columns)].add(row)
    return parts


def _dearest(parts: list[tuple[Any, Figures, JSONObject]], top: int, total: Decimal) -> list[JSONObject]:
    parts.sort(key=lambda part: (-part[1].cost_usd, -part[1].executions, str(part[0])))
    return [name | figures.spent(total) for _, figures, name in parts[:top]]


def _unpriced(parts: dict[tuple[Any, ...], Figures], top: int) -> list[JSONObject]:
    without = [(key, part) for key, part in parts.items() if part.unpriced]
    without.sort(key=lambda pair: (-pair[1].unpriced, str(pair[0])))
    return [
        {
            "provider": key[0],
            "model": key[1],
            "executions": part.unpriced,
            # Sums do not tell the tokens of one run from those of another.
            "tokens_used": part.tokens_used if part.unpriced == part.executions else None,
        }
        for key, part in without[:top]
    ]
