"""One run of the made-up past; told and priced as executions do it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import add
from typing import Any, Literal, TypeVar

from flask_aiagents.features.activity.payload import bounded
from flask_aiagents.features.execution.result import ended_values
from flask_aiagents.llm.outcome import Attempt, Outcome, ToolCall, Usage
from flask_aiagents.llm.prices import NOTHING, cost

from .work import MARK, Model, Work

T = TypeVar("T")


def drawn(dice: random.Random, weights: Mapping[T, int]) -> T:
    """One of these, the heavier the more often."""
    return dice.choices(list(weights), list(weights.values()))[0]


@dataclass(frozen=True, slots=True)
class Failure:
    """A way in which runs fail."""

    error: str
    status: Literal["error", "timeout", "cancelled"]
    message: str
    attempts: tuple[str | None, ...]
    """How each call to the model ended; None for well."""


_DOWN = Failure("upstream", "error", "The model answered 503, three times.", ("upstream_503",) * 3)
_FAILURES = {
    Failure("rate_limited", "error", "The model answered 429, three times.", ("rate_limited",) * 3): 8,
    Failure("timeout", "timeout", "The model did not answer within 30 s.", ("timeout",)): 4,
    Failure("invalid_output", "error", "The model did not write what was asked for.", (None,)): 3,
    Failure("cancelled", "cancelled", "The reader left.", ("cancelled",)): 2,
    _DOWN: 2,
}
"""And how often beside the others."""

_TIMEOUT_MS = 30_000
_FREE = ("rate_limited", "upstream_503")
"""Ends for which nobody is billed."""

_REPORT = " The quarter went as planned." * 3_000
"""Longer than what a log keeps."""


def run(dice: random.Random, work: Work, at: datetime, *, down: bool) -> dict[str, Any]:
    """What a log says of a run.

    :param down: whether the provider failed most of the time.
    """
    failure = _failure(dice, down=down)
    number, (question, answer) = dice.randrange(1000, 3000), dice.choice(work.talks)
    asked = f"{MARK} {question.format(number)}" + (_REPORT if dice.random() < work.long else "")
    outcome = _ended(dice, work, at, failure) if failure else _answered(dice, work, at, number, answer)
    log = ended_values(outcome) | {
        "action": "execute",
        "request_data": bounded({"input": [{"role": "user", "content": asked}]}),
        "duration_ms": sum(attempt.duration_ms for attempt in outcome.attempts) + dice.randrange(8, 40),
    }
    # some answers the company got by itself, and told us afterwards
    return log | {"source": "client", "attempts": None} if not failure and dice.random() < 0.04 else log


def _failure(dice: random.Random, *, down: bool) -> Failure | None:
    if down and dice.random() < 0.6:
        return _DOWN
    return drawn(dice, _FAILURES) if dice.random() < 0.03 else None


def _answered(dice: random.Random, work: Work, at: datetime, number: int, answer: str) -> Outcome:
    said = f"{MARK} {answer.format(number)}"
    call = ToolCall(
        id=f"call_{number}", name=work.tool, arguments={"order_id": number}, result=said, duration_ms=3
    )
    tried = ("rate_limited",) if dice.random() < 0.05 else ()
    asked = _asked(dice, drawn(dice, work.models), at, (*tried, *[None] * (2 if work.tool else 1)))
    return Outcome(
        status="success", output=said, finish_reason="stop", tool_calls=(call,) * bool(work.tool), **asked
    )


def _ended(dice: random.Random, work: Work, at: datetime, failure: Failure) -> Outcome:
    asked = _asked(dice, drawn(dice, work.models), at, failure.attempts)
    return Outcome(status=failure.status, error=failure.error, message=f"{MARK} {failure.message}", **asked)


def _asked(dice: random.Random, model: Model, at: datetime, ends: tuple[str | None, ...]) -> dict[str, Any]:
    """What an outcome says of the calls to the model that ended in these ways."""
    attempts = tuple(_attempt(dice, model, at, end) for end in ends)
    paid = [attempt.cost_usd for attempt in attempts if attempt.cost_usd is not None]
    used = [attempt.usage for attempt in attempts if attempt.usage]
    return {
        "provider": model.provider,
        "model": model.name,
        "attempts": attempts,
        "usage": reduce(add, used) if used else None,
        "cost_usd": sum(paid, NOTHING) if len(paid) == len(attempts) else None,
    }


def _attempt(dice: random.Random, model: Model, at: datetime, end: str | None) -> Attempt:
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


def _usage(dice: random.Random, model: Model) -> Usage:
    reads = round(dice.lognormvariate(0, 0.6) * model.reads)
    writes = round(dice.lognormvariate(0, 0.5) * model.writes)
    return Usage(input_tokens=reads, output_tokens=writes, cached_tokens=reads // 2 if dice.random() < 0.15 else 0)
