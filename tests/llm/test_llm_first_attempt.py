"""A call that nobody listens to begins in the thread that made it; the loop goes on where that has to wait."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from upstream import Upstream, hang, say, status
from upstream.calls import call, target

from flask_aiagents.llm.engine import engine
from flask_aiagents.llm.messages import Call, Message, Target, Tool
from flask_aiagents.llm.outcome import Ended, Outcome

PROGRAM = """
import sys, threading
from upstream import Upstream, status, say, stall
from upstream.calls import call
from flask_aiagents.llm.engine import engine
from flask_aiagents.llm.messages import Call, Message, Target

def offline(text="Hello", **options):
    targets = (Target(provider="offline", model="demo"),)
    return Call(targets=targets, messages=(Message(role="user", content=text),), **options)

def loops():
    return [thread.name for thread in threading.enumerate()].count("aiagents-engine")

with Upstream() as upstream:
    {body}
"""


def run_program(body: str) -> subprocess.CompletedProcess[str]:
    """Run lines in a process of their own that reports whatever is left open."""
    program = PROGRAM.format(body=body.strip().replace("\n", "\n    "))
    return subprocess.run(
        [sys.executable, "-X", "dev", "-c", program],
        env={"PYTHONPATH": "tests"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def offline(text: str = "Hello", **options: Any) -> Call:
    targets = (Target(provider="offline", model="demo"),)
    return Call(targets=targets, messages=(Message(role="user", content=text),), **options)


def test_plain_calls_need_no_loop() -> None:
    """Neither the offline model nor a provider that answers at once starts the loop thread or loads its client."""
    done = run_program(
        """
print(engine().run(offline()).status, engine().run(offline(output_schema={{"type": "string"}})).status)
print(engine().run(call(upstream)).status, loops(), "aiohttp" in sys.modules)
upstream.script(status(503))
print(engine().run(call(upstream)).status, loops(), "aiohttp" in sys.modules)
""".replace("{{", "{").replace("}}", "}")
    )
    assert done.stdout.split() == ["success", "success", "success", "0", "False", "success", "1", "True"]
    assert done.stderr == ""


def test_the_end_of_the_process_leaves_nothing_open() -> None:
    """Connections of both clients are closed, also those of streams that still run; nothing is waited for long."""
    done = run_program("""
print(engine().run(call(upstream)).status, [1 for _ in engine().stream(call(upstream))] != [])
upstream.behave(stall("Half of an"))
stream = engine().stream(call(upstream))
next(iter(stream))
""")
    assert done.stdout.split() == ["success", "True"]
    assert done.stderr == ""


def add(arguments: Any) -> Any:
    return arguments["a"] + arguments["b"]


ADD = Tool(
    name="add",
    description="Add",
    parameters={"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]},
    function=add,
)


def _plain(upstream: Upstream) -> Outcome:
    return engine().run(call(upstream))


def _retried(upstream: Upstream) -> Outcome:
    upstream.script(status(503), status(429))
    return engine().run(call(upstream))


def _fallback(upstream: Upstream) -> Outcome:
    upstream.script(status(401))
    return engine().run(call(upstream, targets=(target(upstream), target(upstream, model="gpt-4o"))))


def _repaired(upstream: Upstream) -> Outcome:
    upstream.script(say("seven"), say("7"))
    return engine().run(call(upstream, output_schema={"type": "integer"}))


def _downgraded(upstream: Upstream) -> Outcome:
    upstream.script(status(400, body='{"error": {"message": "Unsupported parameter", "param": "temperature"}}'))
    return engine().run(call(upstream, model="first-time", temperature=0.5))


def _offline(_: Upstream) -> Outcome:
    return engine().run(offline())


def _offline_tool(_: Upstream) -> Outcome:
    return engine().run(offline("Please add 2 and 3", tools=(ADD,)))


WAYS: list[tuple[Callable[[Upstream], Outcome], list[str | None], int]] = [
    (_plain, [None], 1),
    (_retried, ["upstream_503", "rate_limited", None], 3),
    (_fallback, ["authentication", None], 2),
    (_repaired, [None, None], 2),
    (_downgraded, [None], 2),
    (_offline, [None], 0),
    (_offline_tool, [None, None], 0),
]


@pytest.mark.parametrize(("way", "errors", "requests"), WAYS)
@pytest.mark.parametrize("looped", [False, True], ids=["thread", "thread with a loop"])
def test_what_began_in_the_thread_is_gone_on_with(
    upstream: Upstream, way: Callable[[Upstream], Outcome], errors: list[str | None], requests: int, looped: bool
) -> None:
    """Nothing is asked twice, and attempts stand in their order, wherever they were made.

    A thread in which an event loop of the host's runs may call as well.
    """

    async def within() -> Outcome:
        return way(upstream)

    outcome = asyncio.run(within()) if looped else way(upstream)
    assert (outcome.status, [attempt.error for attempt in outcome.attempts]) == ("success", errors)
    assert len(upstream.requests) == requests
    assert outcome.usage is not None


def test_what_a_model_refuses_is_known_to_runs_and_streams(upstream: Upstream) -> None:
    """A parameter that a run has lost is not sent by a stream either."""
    _downgraded(upstream)
    assert list(engine().stream(call(upstream, model="first-time", temperature=0.5)))
    assert ["temperature" in request.json for request in upstream.requests] == [True, False, False]


def test_the_time_counts_from_the_first_attempt(upstream: Upstream) -> None:
    """What the attempt in the thread has used up is not granted again on the loop."""
    upstream.script(status(503))
    upstream.behave(hang())
    outcome = engine().run(call(upstream, total_s=0.5))
    assert (outcome.status, outcome.limit) == ("timeout", "total")
    assert [attempt.error for attempt in outcome.attempts] == ["upstream_503", "timeout"]


def test_a_caller_knows_when_its_thread_waits_for_others(upstream: Upstream) -> None:
    """It is told before a request is sent and before the loop goes on, not while the offline model computes."""
    waits: list[int] = []

    def waited() -> None:
        waits.append(len(upstream.requests))

    engine().run(offline(output_schema={"type": "array", "minItems": 1000}), waits=waited)
    assert waits == []
    engine().run(call(upstream), waits=waited)
    assert waits[0] == 0
    waits.clear()
    upstream.script(status(503))
    engine().run(call(upstream), waits=waited)
    assert waits[0] == 1
    assert waits[-1] == 2


def _long_stream(upstream: Upstream) -> Call:
    upstream.script(say(" ".join(["word"] * 20_000)))
    return call(upstream)


def _long_offline(_: Upstream) -> Call:
    return offline("word " * 20_000)


@pytest.mark.parametrize("make", [_long_stream, _long_offline])
def test_a_stream_pauses_when_its_tenant_has_computed_enough(
    upstream: Upstream, make: Callable[[Upstream], Call]
) -> None:
    """While it pauses, other streams go on; what it has computed is charged."""
    charged: list[float] = []

    def pace(cpu_s: float) -> float:
        charged.append(cpu_s)
        return 3600.0

    stream = engine().stream(replace(make(upstream), pace=pace), ping_s=0.05)
    events = iter(stream)
    while not charged:
        assert not isinstance(next(events), Ended)
    last = list(engine().stream(call(upstream)))[-1]
    assert isinstance(last, Ended)
    assert last.outcome.status == "success"
    assert stream.close().status == "cancelled"
    assert sum(charged) > 0
