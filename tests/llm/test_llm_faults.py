"""Providers that misbehave: every call ends, in time, with a word for what happened, and nothing leaks."""

from __future__ import annotations

import resource
import threading
import time
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

import pytest
from upstream import (
    Tokens,
    Upstream,
    body_of,
    broken,
    endless_stream,
    half_stream,
    hang,
    headers_only,
    raw,
    redirect,
    reset,
    say,
    stall,
    status,
    trickle,
    truncated,
)
from upstream.calls import KEY, call, target
from upstream.full import full_server
from upstream.server import Behaviour

from flask_aiagents.llm.engine import engine
from flask_aiagents.llm.messages import Call, Target
from flask_aiagents.llm.outcome import Delta, Ended, Outcome, ToolCall, Usage

BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def ended(wanted: Call, stream: bool) -> Outcome:
    """How a call ends, run or streamed."""
    if not stream:
        return engine().run(wanted)
    last = list(engine().stream(wanted))[-1]
    assert isinstance(last, Ended)
    return last.outcome


def safe(outcome: Outcome) -> bool:
    """Nothing of the key is in it, nor of the provider's own words but in ``raw``, which only the log keeps."""
    words = ("Incorrect API key", "<html", "Traceback")
    return KEY not in repr(asdict(outcome)) and not any(
        word in repr(asdict(replace(outcome, raw=None))) for word in words
    )


@BOTH
@pytest.mark.parametrize("code", [429, 500, 503])
def test_f8_a_refused_call_is_repeated_within_bounds(upstream: Upstream, code: int, stream: bool) -> None:
    """429 and 5xx are tried again, three times in all, under one outcome that costs nothing."""
    upstream.behave(status(code))
    outcome = ended(call(upstream), stream)
    assert outcome.status == "error"
    assert outcome.error == ("rate_limited" if code == 429 else "upstream")
    assert outcome.message == f"openai answered {code} after 3 attempts."
    assert len(upstream.requests) == len(outcome.attempts) == 3
    assert (outcome.cost_usd, outcome.usage) == (Decimal(0), None)
    assert safe(outcome)


def test_f8_a_later_try_can_succeed(upstream: Upstream) -> None:
    """A call that succeeds at the third try is a success with three attempts."""
    upstream.script(status(500), status(429), say("At last"))
    outcome = engine().run(call(upstream))
    assert (outcome.status, outcome.output) == ("success", "At last")
    assert [attempt.error for attempt in outcome.attempts] == ["upstream_500", "rate_limited", None]
    assert outcome.cost_usd == outcome.attempts[2].cost_usd


def test_f8_retry_after_is_honoured(upstream: Upstream) -> None:
    """A provider that asks for a second gets a second."""
    upstream.script(status(429, retry_after=1), say("Now"))
    started = time.monotonic()
    assert engine().run(call(upstream)).status == "success"
    assert 1 <= time.monotonic() - started < 2


def test_f8_a_long_retry_after_is_passed_on_instead(upstream: Upstream) -> None:
    """Who asks for more than 20 seconds is not waited for; the caller learns the figure."""
    upstream.behave(status(429, retry_after=3600))
    outcome = engine().run(call(upstream))
    assert (outcome.error, outcome.retry_after, len(outcome.attempts)) == ("rate_limited", 3600, 1)


def test_f8_a_wait_never_outlasts_the_total(upstream: Upstream) -> None:
    """A Retry-After that does not fit into the total time is not begun."""
    upstream.behave(status(503, retry_after=10))
    started = time.monotonic()
    outcome = engine().run(call(upstream, total_s=2))
    assert (outcome.status, outcome.error) == ("error", "upstream")
    assert time.monotonic() - started < 1


def test_a_refused_key_is_not_tried_again_but_the_fallback_is(upstream: Upstream) -> None:
    """401 is final for a model; the next model has a key of its own."""
    with Upstream() as other:
        other.behave(status(401))
        targets = (target(other, model="gpt-4o"), target(upstream))
        outcome = engine().run(call(upstream, targets=targets))
        assert outcome.status == "success"
        assert len(other.requests) == 1
        alone = engine().run(call(other))
    assert (alone.error, alone.cost_usd) == ("authentication", 0)
    assert safe(alone)


@BOTH
@pytest.mark.parametrize(
    ("behaviour", "limits", "seconds"),
    [
        (hang(), {"first_byte_s": 0.4}, 0.4),
        (headers_only(), {"first_byte_s": 0.4}, 0.4),
        (trickle(0.1), {"total_s": 0.6, "idle_s": 5}, 0.6),
        (trickle(1.0), {"idle_s": 0.4}, 0.4),
        (hang(), {"total_s": 0.5}, 0.5),
    ],
    ids=["hangs", "headers only", "byte by byte", "stalls", "total"],
)
def test_f9_a_silent_provider_ends_at_the_timeout(
    upstream: Upstream, behaviour: Behaviour, limits: dict[str, Any], seconds: float, stream: bool
) -> None:
    """Whatever a provider does to keep us waiting, the configured time ends it, and it is hung up on."""
    upstream.behave(behaviour)
    started = time.monotonic()
    outcome = ended(call(upstream, **limits), stream)
    assert seconds - 0.05 <= time.monotonic() - started < seconds + 1
    assert (outcome.status, outcome.error) == ("timeout", "timeout")
    assert len(outcome.attempts) == 1
    assert upstream.wait_closed()


def test_f9_a_stalled_stream_ends_and_keeps_its_text(upstream: Upstream) -> None:
    """A stream that falls silent ends at the idle timeout; what came is kept and priced by estimate."""
    upstream.behave(stall("Half of an"))
    started = time.monotonic()
    outcome = ended(call(upstream, "Hello", idle_s=0.4), stream=True)
    assert time.monotonic() - started < 1.4
    assert (outcome.status, outcome.output, outcome.finish_reason) == ("timeout", "Half of an", None)
    assert outcome.usage == Usage(input_tokens=2, output_tokens=3)
    assert outcome.cost_usd is not None
    assert outcome.cost_usd > 0


def test_f9_hundred_hanging_calls_do_not_slow_others(upstream: Upstream) -> None:
    """While a hundred calls hang, other calls are answered as quickly as ever."""
    with Upstream() as other:
        other.behave(hang())
        hanging = [call(other, first_byte_s=20, tenant=f"t{number % 4}") for number in range(100)]
        streams = [engine().stream(wanted) for wanted in hanging]
        while len(other.requests) < 100:
            time.sleep(0.01)
        durations = []
        for _ in range(40):
            started = time.monotonic()
            assert engine().run(call(upstream)).status == "success"
            durations.append(time.monotonic() - started)
        assert sorted(durations)[37] < 0.2
        assert {stream.close().status for stream in streams} == {"cancelled"}


@BOTH
def test_r38_every_timeout_fires(upstream: Upstream, stream: bool) -> None:
    """Connect, first-byte, idle and total timeouts each end a call, and each says which."""
    with full_server() as port:
        deaf = Target(provider="openai", model="m", base_url=f"http://127.0.0.1:{port}/v1")
        started = time.monotonic()
        outcome = ended(call(upstream, targets=(deaf,), connect_s=0.3, max_retries=0), stream)
        assert time.monotonic() - started < 1.3
    assert outcome.error == "connection"
    assert "could not be connected to within 0.3 s" in (outcome.message or "")
    cases: list[tuple[Behaviour, dict[str, Any], str]] = [
        (hang(), {"first_byte_s": 0.3}, "did not begin to answer within 0.3 s"),
        (stall(), {"idle_s": 0.3}, "fell silent for 0.3 s"),
        (trickle(0.05), {"total_s": 0.4}, "The time of 0.4 s was up"),
    ]
    for behaviour, limit, word in cases:
        upstream.behave(behaviour)
        outcome = ended(call(upstream, **limit), stream)
        assert (outcome.status, outcome.error) == ("timeout", "timeout")
        assert outcome.limit == next(iter(limit)).removesuffix("_s")
        assert word in (outcome.message or "")
        assert [attempt.error for attempt in outcome.attempts] == ["timeout"]


@BOTH
@pytest.mark.parametrize(
    ("behaviour", "errors"),
    [
        (raw(b"\x80\xff garbage \x00"), {"invalid_response"}),
        (raw(b"\xff\xfe" * 50, content_type="text/plain"), {"invalid_response"}),
        (raw(b"<html><body>Bad gateway</body></html>", content_type="text/html"), {"invalid_response"}),
        (raw(b"{}"), {"invalid_response"}),
        (raw(b"[]"), {"invalid_response"}),
        (raw(b"null"), {"invalid_response"}),
        (raw(b'{"choices": []}'), {"invalid_response"}),
        (raw(b'{"choices": [{"message": 7}]}'), {"invalid_response"}),
        (raw(b"[" * 100_000), {"invalid_response"}),
        (raw(b""), {"invalid_response"}),
        (raw(b"data: {nonsense\n\n", content_type="text/event-stream"), {"invalid_response"}),
        (raw(b'data: {"error": "sk-canary-3f9a"}\n\n', content_type="text/event-stream"), {"upstream"}),
        (truncated(), {"connection", "incomplete"}),
        (reset(), {"connection"}),
        (broken(), {"connection"}),
        (status(502, body="<html>sk-canary-3f9a</html>"), {"upstream"}),
    ],
)  # fmt: skip
def test_f10_nonsense_is_an_error_of_ours(
    upstream: Upstream, behaviour: Behaviour, errors: set[str], stream: bool
) -> None:
    """Garbage, HTML, cut bodies and resets end as errors in our words, without the provider's."""
    upstream.behave(behaviour)
    outcome = ended(call(upstream, max_retries=0), stream)
    assert outcome.status == "error"
    assert outcome.error in (errors | {"incomplete"} if stream else errors)
    assert outcome.message
    assert safe(outcome)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("clean", [True, False], ids=["clean end", "hung up"])
def test_f11_half_a_stream_is_never_a_success(upstream: Upstream, provider: str, clean: bool) -> None:
    """A stream that ends without a finish reason is incomplete; its text and an estimate of its price are kept."""
    upstream.behave(half_stream("Half of an", clean=clean))
    model = "claude-haiku-4-5" if provider == "anthropic" else "gpt-4o-mini"
    events = list(engine().stream(call(upstream, provider=provider, model=model)))
    last = events[-1]
    assert isinstance(last, Ended)
    outcome = last.outcome
    assert (outcome.status, outcome.error, outcome.finish_reason) == ("error", "incomplete", None)
    assert outcome.output == "Half of an" == "".join(e.text for e in events if isinstance(e, Delta))
    assert len(upstream.requests) == 1
    assert outcome.cost_usd is not None


NONSENSE = [
    {"prompt_tokens": float("nan"), "completion_tokens": 1, "total_tokens": 1},
    {"prompt_tokens": -5, "completion_tokens": 1, "total_tokens": 1},
    {"prompt_tokens": 2**70, "completion_tokens": 1, "total_tokens": 1},
    {"prompt_tokens": "many", "completion_tokens": None, "total_tokens": 1},
    {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 99}},
    {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": "x"}},
    {"prompt_tokens": True, "completion_tokens": 1.5},
    {},
    [],
    "nonsense",
    None,
]


@BOTH
@pytest.mark.parametrize("usage", NONSENSE, ids=str)
def test_f12_nonsensical_usage_is_no_usage(upstream: Upstream, usage: Any, stream: bool) -> None:
    """The answer is kept; counts that cannot be true are None, and so is the price."""
    upstream.answer("Fine", usage=usage)
    outcome = ended(call(upstream), stream)
    assert (outcome.status, outcome.output) == ("success", "Fine")
    assert (outcome.usage, outcome.cost_usd) == (None, None)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@BOTH
def test_f13_an_oversized_answer_is_cut_off(upstream: Upstream, stream: bool) -> None:
    """64 MB or an endless stream hit the cap: the provider is hung up on, memory stays bounded."""
    upstream.behave(endless_stream() if stream else body_of(64 * 1024 * 1024))
    before = _peak()
    outcome = ended(call(upstream, max_response_bytes=4_000_000), stream)
    assert (outcome.status, outcome.error) == ("error", "too_large")
    assert upstream.wait_closed()
    assert _peak() - before < 100_000
    assert len(upstream.requests) == 1


def test_r4_redirects_are_not_followed(upstream: Upstream) -> None:
    """A provider that redirects gets no second request anywhere, for the prompt would go along."""
    with Upstream() as other:
        for code in (301, 302, 307, 308):
            upstream.script(redirect(f"{other.base_url}/chat/completions", code))
            outcome = engine().run(call(upstream))
            assert (outcome.status, outcome.error) == ("error", "upstream")
            assert outcome.attempts[0].error == "redirect"
        assert other.requests == []


def test_r5_the_key_is_nowhere_in_what_a_call_leaves(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    """A provider that echoes the key in its error gets it into no outcome and no log line."""
    caplog.set_level("DEBUG")
    for code in (400, 401, 403, 404, 422, 500):
        upstream.script(status(code))
        wanted = call(upstream, max_retries=0)
        assert safe(engine().run(wanted))
        assert KEY not in repr(wanted)
    upstream.script(raw(f'{{"error": "{KEY}"}}'.encode()))
    assert safe(engine().run(call(upstream)))
    assert KEY not in caplog.text


@BOTH
@pytest.mark.requirement("R5")
def test_an_answer_that_holds_the_key_is_kept_without_it(upstream: Upstream, stream: bool) -> None:
    """Neither text nor the word for the end of an answer shows the key that the provider was sent."""
    upstream.answer(f"Your key is {KEY}.", finish=KEY)
    outcome = ended(call(upstream), stream)
    assert KEY not in repr(outcome)
    assert outcome.output == "Your key is [key]."


@BOTH
def test_r28_unsafe_characters_are_scrubbed(upstream: Upstream, stream: bool) -> None:
    """NUL and lone surrogates of a model never reach a database."""
    upstream.answer("nul\x00 half \ud83d pair \U0001f600")
    outcome = ended(call(upstream), stream)
    assert outcome.output == "nul half \N{REPLACEMENT CHARACTER} pair \U0001f600"


def test_a_stream_that_has_spoken_is_not_begun_again(upstream: Upstream) -> None:
    """Once the reader has text, neither a retry nor a fallback says it twice."""
    upstream.script(half_stream("Half of an", clean=False))
    wanted = call(upstream, targets=(target(upstream), target(upstream, model="gpt-4o")))
    outcome = ended(wanted, stream=True)
    assert (outcome.error, len(upstream.requests)) == ("incomplete", 1)


def test_a_stream_that_has_not_spoken_is_tried_again(upstream: Upstream) -> None:
    """A stream that broke before its first word starts anew."""
    upstream.script(reset(), status(503), say("Finally", usage=Tokens(input=1, output=1)))
    outcome = ended(call(upstream), stream=True)
    assert (outcome.status, outcome.output, len(outcome.attempts)) == ("success", "Finally", 3)


def test_the_total_counts_retries_and_fallbacks(upstream: Upstream) -> None:
    """One deadline for everything: a fallback gets only what is left."""
    upstream.behave(hang())
    wanted = call(upstream, targets=(target(upstream), target(upstream)), first_byte_s=0.4, total_s=0.6)
    started = time.monotonic()
    outcome = engine().run(wanted)
    assert time.monotonic() - started < 1.6
    assert (outcome.status, len(outcome.attempts)) == ("timeout", 2)


def test_no_thread_or_connection_is_left_behind(upstream: Upstream) -> None:
    """A hundred cancelled streams leave no thread."""
    upstream.behave(stall())
    before = threading.active_count()
    for _ in range(100):
        engine().stream(call(upstream)).close()
    end = time.monotonic() + 5
    while threading.active_count() > before + 5 and time.monotonic() < end:
        time.sleep(0.05)
    assert threading.active_count() <= before + 5


def test_values_are_comparable() -> None:
    """Outcomes are plain values."""
    assert ToolCall(id="1", name="n", arguments={}) == ToolCall(id="1", name="n", arguments={})
