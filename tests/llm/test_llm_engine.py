"""Calls that go well, whole and streamed, on every provider's protocol."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from upstream import Tokens, Upstream, say, stall
from upstream.calls import KEY, call, target

from flask_aiagents.llm.engine import engine
from flask_aiagents.llm.messages import Call, Message, Target
from flask_aiagents.llm.outcome import Delta, Ended, Outcome, Usage, UsageReported

MODELS = [
    ("openai", "gpt-4o-mini"),
    ("openai_compatible", "any"),
    ("ollama", "llama3.2"),
    ("groq", "llama-3.1-8b-instant"),
    ("anthropic", "claude-haiku-4-5"),
]


def streamed(wanted: Call) -> tuple[str, Outcome]:
    """The text of a stream's deltas, and its end."""
    events = list(engine().stream(wanted))
    assert isinstance(events[-1], Ended)
    return "".join(event.text for event in events if isinstance(event, Delta)), events[-1].outcome


@pytest.mark.parametrize(("provider", "model"), MODELS)
def test_a_provider_answers_whole_and_streamed_alike(upstream: Upstream, provider: str, model: str) -> None:
    """Every provider's answer has the same text, counts and finish reason, run or streamed."""
    upstream.answer("Good day to you.", usage=Tokens(input=20, output=5, cached=4))
    whole = engine().run(call(upstream, provider=provider, model=model))
    text, end = streamed(call(upstream, provider=provider, model=model))
    assert whole.status == end.status == "success"
    assert whole.output == end.output == text == "Good day to you."
    assert whole.usage == end.usage == Usage(input_tokens=20, output_tokens=5, cached_tokens=4)
    assert whole.finish_reason == end.finish_reason == "stop"
    assert whole.cost_usd == end.cost_usd
    assert (end.provider, end.model) == (provider, model)


def test_the_offline_model_behaves_like_a_provider(upstream: Upstream) -> None:
    """The in-process twin keeps the promises that a provider keeps: one text, one end, counts, a finish reason."""
    offline = Call(
        targets=(Target(provider="offline", model="demo"),), messages=(Message(role="user", content="Hello"),)
    )
    for wanted in (offline, call(upstream)):
        whole = engine().run(wanted)
        text, end = streamed(wanted)
        assert whole.status == end.status == "success"
        assert whole.output == end.output == text
        assert whole.usage == end.usage
        assert whole.usage is not None
        assert whole.usage.output_tokens > 0
        assert whole.finish_reason == end.finish_reason == "stop"
        assert whole.cost_usd is not None


def test_a_plain_call_is_priced_exactly(upstream: Upstream) -> None:
    """gpt-4o-mini behind a gateway costs what OpenAI takes for it, to the last digit."""
    upstream.answer("Hi", usage=Tokens(input=1000, output=100))
    outcome = engine().run(call(upstream))
    assert outcome.cost_usd == Decimal("0.00021")
    assert [attempt.error for attempt in outcome.attempts] == [None]


def test_everything_that_was_asked_reaches_the_provider(upstream: Upstream) -> None:
    """System prompt, turns, settings and key arrive; headers from the environment's SDK settings do not."""
    wanted = call(
        upstream,
        messages=(
            Message(role="user", content="One"),
            Message(role="assistant", content="Two"),
            Message(role="user", content="Three"),
        ),
        system_prompt="Be brief.",
        temperature=0.5,
        max_tokens=99,
        top_p=0.9,
        stop=("END",),
    )
    engine().run(wanted)
    sent = upstream.requests[0]
    assert [(m["role"], m["content"]) for m in sent.json["messages"]] == [
        ("system", "Be brief."),
        ("user", "One"),
        ("assistant", "Two"),
        ("user", "Three"),
    ]
    assert (sent.json["temperature"], sent.json["top_p"], sent.json["stop"]) == (0.5, 0.9, ["END"])
    assert sent.json["max_completion_tokens"] == 99
    assert sent.headers["authorization"] == f"Bearer {KEY}"


def test_credentials_of_the_environment_go_nowhere(upstream: Upstream) -> None:
    """What SDKs pick up from the environment never leaves: only the call's own key does."""
    program = """
import sys
from upstream.calls import KEY, call
from upstream import Upstream
from flask_aiagents.llm.engine import engine
with Upstream() as upstream:
    for provider in ("openai", "anthropic"):
        engine().run(call(upstream, provider=provider))
    for request in upstream.requests:
        print({k: v for k, v in request.headers.items() if "leak" in v}, KEY in str(request.headers))
"""
    leaks = {
        "OPENAI_API_KEY": "leak",
        "OPENAI_ORG_ID": "leak",
        "OPENAI_CUSTOM_HEADERS": "Authorization: leak\nX-Other: leak",
        "ANTHROPIC_API_KEY": "leak",
        "ANTHROPIC_CUSTOM_HEADERS": "X-Other: leak",
        "HTTP_PROXY": "http://leak.invalid:1",
        "PYTHONPATH": "tests",
    }
    done = subprocess.run([sys.executable, "-c", program], env=leaks, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert lines[1] == "{} True"
    assert lines[0].startswith("{} ")


def test_a_base_url_without_a_path_means_v1(upstream: Upstream) -> None:
    """An origin alone is enough as base_url."""
    wanted = call(upstream, targets=(Target(provider="openai", model="gpt-4o-mini", base_url=upstream.url),))
    assert engine().run(wanted).status == "success"
    assert upstream.requests[0].path == "/v1/chat/completions"


def test_usage_is_reported_before_the_end(upstream: Upstream) -> None:
    """A reader of a stream learns tokens and cost as soon as they are known."""
    events = list(engine().stream(call(upstream)))
    reported = [event for event in events if isinstance(event, UsageReported)]
    assert [event.usage.input_tokens for event in reported] == [11]
    assert reported[0].cost_usd is not None


def test_connections_are_reused(upstream: Upstream) -> None:
    """Calls with different keys share the connections to a provider."""
    for number in range(5):
        where = Target(provider="openai", model="m", base_url=upstream.base_url, api_key=f"key-{number}")
        assert engine().run(call(upstream, targets=(where,))).status == "success"
    assert len({request.headers["authorization"] for request in upstream.requests}) == 5
    assert len({request.peer for request in upstream.requests}) == 1


def test_a_silent_stream_gives_its_reader_pings(upstream: Upstream) -> None:
    """While the model says nothing, the reader gets None in time to tell its own reader that it lives."""
    upstream.answer("Late words", delay=0.25)
    events = list(engine().stream(call(upstream), ping_s=0.05))
    assert events.count(None) >= 3
    assert isinstance(events[-1], Ended)


def test_r34_closing_a_stream_cancels_the_provider_and_prices_what_came(upstream: Upstream) -> None:
    """When the reader leaves, the provider is hung up on at once, and the tokens so far are priced."""
    upstream.script(stall("Once upon a time"))
    stream = engine().stream(call(upstream, "Tell me a story"))
    events: Iterator[Any] = iter(stream)
    text = ""
    while text.split() != ["Once", "upon", "a", "time"]:
        text += next(events).text
    started = time.monotonic()
    outcome = stream.close()
    assert time.monotonic() - started < 1
    assert (outcome.status, outcome.error, outcome.output) == ("cancelled", "cancelled", text)
    assert outcome.usage == Usage(input_tokens=4, output_tokens=4)
    assert outcome.cost_usd == Decimal("0.000003")
    assert outcome.attempts[0].estimated
    assert upstream.wait_closed()
    assert stream.close() == outcome


def test_closing_a_finished_stream_changes_nothing(upstream: Upstream) -> None:
    """close() after the end returns the end."""
    stream = engine().stream(call(upstream))
    events = list(stream)
    assert isinstance(events[-1], Ended)
    assert stream.close() == events[-1].outcome
    assert stream.outcome == events[-1].outcome


def test_a_slow_reader_holds_the_provider_back(upstream: Upstream) -> None:
    """What waits for a slow reader is bounded; nothing is lost when it reads on."""
    text = " ".join(str(number) for number in range(3000))
    upstream.answer(text)
    stream = engine().stream(call(upstream))
    time.sleep(0.5)
    assert len(stream._events) < 1500
    assert "".join(event.text for event in stream if isinstance(event, Delta)) == text


def test_r22_a_storm_of_cancels_never_mixes_answers(upstream: Upstream) -> None:
    """64 threads, half of them leaving early: each reads its own answer and nobody else's."""
    upstream.behave(say(lambda request: " ".join([request.prompt] * 20)))

    def ask(number: int) -> list[str]:
        stream = engine().stream(call(upstream, f"secret-{number}"))
        found = []
        for event in stream:
            found += event.text.split() if isinstance(event, Delta) else []
            if number % 2 and len(found) > number % 7:
                break
        stream.close()
        return found

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(ask, range(256)))
    for number, words in enumerate(answers):
        assert set(words) == {f"secret-{number}"}
        assert number % 2 or len(words) == 20


def test_many_threads_share_one_loop(upstream: Upstream) -> None:
    """Sixteen threads ask at once; one engine thread serves them."""
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda _: engine().run(call(upstream)), range(64)))
    assert {outcome.status for outcome in outcomes} == {"success"}
    assert sum(thread.name == "aiagents-engine" for thread in threading.enumerate()) == 1


def _ask_in_child(base_url: str, answers: Any) -> None:
    wanted = Call(
        targets=(Target(provider="openai", model="gpt-4o-mini", base_url=base_url),),
        messages=(Message(role="user", content="Hello"),),
        allowed_hosts=("127.0.0.1",),
    )
    answers.put(engine().run(wanted).status)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_starts_its_own_thread(upstream: Upstream) -> None:
    """After a fork the child's first call works, although the parent's thread did not come along."""
    assert engine().run(call(upstream)).status == "success"
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_ask_in_child, args=(upstream.base_url, answers))
    child.start()
    assert answers.get(timeout=10) == "success"
    child.join(10)


def test_patched_processes_are_refused() -> None:
    """gevent's patched processes are told to use gthread instead."""
    program = """
import sys, types
monkey = types.ModuleType("gevent.monkey")
monkey.is_module_patched = lambda name: name == "threading"
sys.modules["gevent.monkey"] = monkey
from flask_aiagents.errors import ConfigurationError
from flask_aiagents.llm.messages import *
from flask_aiagents.llm.outcome import *
from flask_aiagents.llm.engine import engine
try:
    engine().run(Call(targets=(Target(provider="offline", model="m"),), messages=()))
except ConfigurationError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "gthread" in done.stdout


def test_importing_costs_no_heavy_library() -> None:
    """The engine can be imported without the HTTP client, pydantic or the price catalogue."""
    program = (
        "import sys, flask_aiagents.llm.engine, flask_aiagents.llm.tools;"
        "print([n for n in ('aiohttp', 'pydantic', 'genai_prices') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_stream_can_be_closed_before_it_began(upstream: Upstream) -> None:
    """Closing at once is a cancellation like any other."""
    outcome = engine().stream(call(upstream)).close()
    assert outcome.status in ("cancelled", "success")


def test_a_fallback_answers_when_the_first_model_cannot(upstream: Upstream) -> None:
    """The second model's answer counts, and both attempts are told."""
    with Upstream() as other:
        upstream.answer("From the fallback")
        targets = (target(other, model="gpt-4o"), target(upstream))
        other.__exit__()
        outcome = engine().run(call(upstream, targets=targets, max_retries=0))
    assert (outcome.status, outcome.output, outcome.model) == ("success", "From the fallback", "gpt-4o-mini")
    assert [attempt.error for attempt in outcome.attempts] == ["connection", None]
    assert outcome.attempts[0].cost_usd == 0
