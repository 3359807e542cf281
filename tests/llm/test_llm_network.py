"""The address guard as calls of models meet it."""

from __future__ import annotations

import time

from upstream import Upstream
from upstream.calls import KEY, call

from flask_aiagents.llm.engine import engine
from flask_aiagents.llm.messages import Target


def test_r3_a_call_to_a_private_address_is_refused(upstream: Upstream) -> None:
    """Without the operator's leave a call never reaches a private address, whatever its name."""
    for host in ("127.0.0.1", "localhost"):
        where = Target(provider="openai", model="m", base_url=f"http://{host}:{upstream.port}/v1", api_key=KEY)
        outcome = engine().run(call(upstream, targets=(where,), allowed_hosts=()))
        assert (outcome.status, outcome.error, outcome.cost_usd) == ("error", "address_refused", 0)
        assert len(outcome.attempts) == 1
    assert upstream.requests == []


def test_r3_what_one_call_may_reach_another_may_not(upstream: Upstream) -> None:
    """A connection that is open for an allowed call does not serve one that is not allowed."""
    assert engine().run(call(upstream)).status == "success"
    assert engine().run(call(upstream, allowed_hosts=())).error == "address_refused"
    assert len(upstream.requests) == 1


def test_an_unknown_host_is_a_connection_error(upstream: Upstream) -> None:
    """A name that leads nowhere ends quickly, and is not our fault."""
    where = Target(provider="openai", model="m", base_url="https://nowhere.invalid/v1")
    started = time.monotonic()
    outcome = engine().run(call(upstream, targets=(where,), max_retries=0))
    assert outcome.error == "connection"
    assert time.monotonic() - started < 6
