"""How the runs of the made-up past went; told and priced as executions do it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from operator import add
from typing import Any, TypeVar

from flask_aiagents.features.activity.payload import bounded
from flask_aiagents.features.execution.result import ended_values
from flask_aiagents.llm.calls import Attempt, Outcome, ToolCall, Usage
from flask_aiagents.llm.prices import NOTHING, cost

from .history import FAILURES, LONG_REPORT, MARK, Model
from .work import Work

T = TypeVar("T")


def drawn(dice: random.Random, weights: Mapping[T, int]) -> T:
    """One of these, the heavier the more often."""
    return dice.choices(list(weights), list(weights.values()))[0]


def executed(dice: random.Random, work: Work, at: datetime, *, bad: bool) -> dict[str, Any]:
    """What a log says of a run.

    :param bad: whether it was an hour in which most runs failed.
    """
    error = drawn(dice, _ODDS) if dice.random() < (0.6 if bad else 0.03) else None
    number, (question, answer) = dice.randrange(1000, 3000), dice.choice(work.talks)
    asked = f"{MARK} {question.format(number)}" + (LONG_REPORT if dice.random() < work.long else "")
    outcome = _outcome(dice, work, error, at, f"{MARK} {answer.format(number)}", number)
    log = ended_values(outcome) | {
        "action": "execute",
        "request_data": bounded({"input": [{"role": "user", "content": asked}]}),
        "duration_ms": sum(attempt.duration_ms for attempt in outcome.attempts) + dice.randrange(8, 40),
    }
    # some answers the company got by itself, and told us afterwards
    return log | {"source": "client", "attempts": None} if not error and dice.random() < 0.04 else log


_ODDS = {error: failure.weight for error, failure in FAILURES.items()}


def _outcome(
    dice: random.Random, work: Work, error: str | None, at: datetime, answer: str, number: int
) -> Outcome:
    model, failure = drawn(dice, work.models), FAILURES[error] if error else None
    tried = ("rate_limited",) if dice.random() < 0.05 else ()
    ends = failure.attempts if failure else (*tried, *[None] * (2 if work.tool else 1))
    attempts = tuple(_attempt(dice, model, end, at) for end in ends)
    costs = [attempt.cost_usd for attempt in attempts]
    known = [attempt.usage for attempt in attempts if attempt.usage]
    return Outcome(
        status=failure.status if failure else "success",
        output=None if failure else answer,
        finish_reason=None if failure else "stop",
        usage=reduce(add, known) if known else None,
        cost_usd=None if None in costs else sum((cost for cost in costs if cost is not None), NOTHING),
        provider=model.provider,
        model=model.name,
        attempts=attempts,
        tool_calls=(_tool_call(work.tool, number, answer),) if work.tool and not failure else (),
        error=error,
        message=f"{MARK} {failure.message}" if failure else None,
    )


def _attempt(dice: random.Random, model: Model, end: str | None, at: datetime) -> Attempt:
    usage = None if end else _usage(dice, model)
    took_ms = _TIMEOUT_MS if end == "timeout" else dice.randrange(80, 400)
    return Attempt(
        provider=model.provider,
        model=model.name,
        duration_ms=took_ms if end else round(dice.lognormvariate(0, 0.45) * model.median_ms),
        usage=usage,
        cost_usd=NOTHING if end in _FREE else cost(model.provider, model.name, usage, at=at),
        error=end,
    )


_TIMEOUT_MS = 60_000
_FREE = ("rate_limited", "upstream_503")
"""Ends for which nobody is billed."""


def _usage(dice: random.Random, model: Model) -> Usage:
    reads = round(dice.lognormvariate(0, 0.6) * model.reads)
    writes = round(dice.lognormvariate(0, 0.5) * model.writes)
    return Usage(input_tokens=reads, output_tokens=writes, cached_tokens=reads // 2 if dice.random() < 0.15 else 0)


def _tool_call(tool: str, number: int, result: str) -> ToolCall:
    return ToolCall(id=f"call_{number}", name=tool, arguments={"order_id": number}, result=result, duration_ms=3)
