"""Sums over executions, added up exactly, and what they tell."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from ...core.columns import PICO
from ...types import JSONObject
from ..activity.models import LogStatus, Source
from .histogram import Histogram, add, bucket, percentiles

_SUCCESS = LogStatus.SUCCESS.value
_SYSTEM, _CLIENT = Source.SYSTEM.value, Source.CLIENT.value

MOST_ERRORS = 50
"""Kinds of errors that a summary tells apart: the most frequent."""


@dataclass(slots=True)
class Share:
    """The part of some executions that has one source."""

    executions: int = 0
    tokens_used: int = 0
    cost_usd: Decimal = Decimal(0)

    def add(self, row: Any) -> None:
        """Count a row in."""
        self.executions += int(row.executions)
        self.tokens_used += int(row.tokens_used or 0)
        self.cost_usd += row.cost_usd or 0

    def to_dict(self) -> JSONObject:
        return {
            "executions": self.executions,
            "tokens_used": self.tokens_used,
            "cost_usd": self.cost_usd.quantize(PICO),
        }


@dataclass(slots=True)
class Figures:
    """The sums of some executions. A row is one ended log, some of them alike, or a rollup of many."""

    executions: int = 0
    succeeded: int = 0
    tokens_used: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    timed: int = 0
    """Executions whose duration is known."""
    duration_sum_ms: int = 0
    durations: Histogram = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    last_used_at: datetime | None = None
    by_client: Share = field(default_factory=Share)
    """Executions that clients reported."""
    by_unknown: Share = field(default_factory=Share)
    """Executions that were counted before sources were told apart, and whose logs have been deleted."""

    def add(self, row: Any) -> None:
        """Count a row in."""
        # Written out: this runs for thousands of rows while somebody waits.
        self.executions += (executions := int(row.executions))
        if row.status == _SUCCESS:
            self.succeeded += executions
        else:
            self.errors[row.error or row.status] += executions
        self.tokens_used += int(row.tokens_used or 0)
        self.input_tokens += int(row.input_tokens or 0)
        self.output_tokens += int(row.output_tokens or 0)
        self.cost_usd += row.cost_usd or 0
        self.unpriced += int(row.unpriced)
        self.timed += (timed := int(row.timed))
        self.duration_sum_ms += int(row.duration_sum_ms or 0)
        if type(durations := row.durations) is list:
            for some in durations:
                add(self.durations, some)
        elif durations is not None:
            add(self.durations, durations)
        elif timed:
            # One log, or some that share a bucket: so their mean is in it, too.
            add(self.durations, {str(bucket(int(row.duration_sum_ms) // timed)): timed})
        if self.last_used_at is None or row.last_used_at > self.last_used_at:
            self.last_used_at = row.last_used_at
        if (source := row.source) != _SYSTEM:
            (self.by_client if source == _CLIENT else self.by_unknown).add(row)

    @property
    def failed(self) -> int:
        return self.executions - self.succeeded

    @property
    def success_rate(self) -> float | None:
        return self.succeeded / self.executions if self.executions else None

    def cost(self) -> Decimal:
        """The sum of the known costs, with twelve places."""
        return self.cost_usd.quantize(PICO)

    def brief(self) -> JSONObject:
        """What a line of a table or a point of a chart tells."""
        p50, p95 = percentiles(self.durations, 50, 95)
        return {
            "executions": self.executions,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "success_rate": self.success_rate,
            "tokens_used": self.tokens_used,
            "cost_usd": self.cost(),
            "unpriced": self.unpriced,
            "p50_ms": p50,
            "p95_ms": p95,
            "client_reported": self.by_client.to_dict(),
        }

    def spent(self, total: Decimal) -> JSONObject:
        """What a line of a table of costs tells, beside the total that it is a share of."""
        return {
            "executions": self.executions,
            "unpriced": self.unpriced,
            "tokens_used": self.tokens_used,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost_usd": self.cost(),
            "share": float(self.cost_usd / total) if total else None,
            "client_reported": self.by_client.to_dict(),
        }

    def of_agent(self) -> JSONObject:
        """What is told of an agent by itself."""
        full = self.full()
        durations, _ = full.pop("duration_ms"), full.pop("errors")
        return full | {
            "duration_ms": {name: durations[name] for name in ("mean", "p95")},
            "last_used_at": self.last_used_at,
        }

    def full(self) -> JSONObject:
        """What a summary tells."""
        p50, p95, p99 = percentiles(self.durations, 50, 95, 99)
        return {
            "executions": self.executions,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "success_rate": self.success_rate,
            "tokens_used": self.tokens_used,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost_usd": self.cost(),
            "unpriced": self.unpriced,
            "duration_ms": {
                "mean": round(self.duration_sum_ms / self.timed) if self.timed else None,
                "p50": p50,
                "p95": p95,
                "p99": p99,
            },
            "errors": dict(self.errors.most_common(MOST_ERRORS)),
            "client_reported": self.by_client.to_dict(),
            "unknown_source": self.by_unknown.to_dict(),
        }
