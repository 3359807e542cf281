"""A twin of each provider: what it is sent, and what its answer costs by the vendor's own arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import pytest
from upstream import Call as Wanted
from upstream import Upstream, say, status
from upstream.calls import KEY, call

from flask_aiagents.llm.engine import engine
from flask_aiagents.llm.messages import Target, Tool
from flask_aiagents.llm.outcome import Ended, Outcome, Usage
from flask_aiagents.llm.providers import PROVIDERS

M = Decimal(1_000_000)


@dataclass(frozen=True)
class Twin:
    """A provider's answer in its own convention, and what its price list makes of it."""

    provider: str
    model: str
    report: dict[str, Any]
    usage: Usage
    cost: Decimal | None
    path: str = "/v1/chat/completions"
    sent: dict[str, Any] = field(default_factory=dict)
    """Fields of the request that this provider wants."""
    prices: dict[str, Any] | None = None
    base: str = "/v1"
    api: Literal["responses"] | None = None


def openai(prompt: int, completion: int, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, **more}


CACHED = {"prompt_tokens_details": {"cached_tokens": 400}}
TWINS = [
    # $0.15 in, $0.075 cached, $0.60 out
    Twin(
        "openai",
        "gpt-4o-mini",
        openai(1000, 100, **CACHED),
        Usage(input_tokens=1000, output_tokens=100, cached_tokens=400),
        (600 * Decimal("0.15") + 400 * Decimal("0.075") + 100 * Decimal("0.60")) / M,
        sent={"max_completion_tokens": 50, "seed": 7},
    ),
    # $0.25 in, $0.025 cached, $2 out, reasoning included
    Twin(
        "openai",
        "gpt-5-mini",
        {
            "input_tokens": 1000,
            "input_tokens_details": {"cached_tokens": 400},
            "output_tokens": 100,
            "output_tokens_details": {"reasoning_tokens": 64},
            "total_tokens": 1100,
        },
        Usage(input_tokens=1000, output_tokens=100, cached_tokens=400, reasoning_tokens=64),
        (600 * Decimal("0.25") + 400 * Decimal("0.025") + 100 * 2) / M,
        "/v1/responses",
        {"max_output_tokens": 50, "store": False, "include": ["reasoning.encrypted_content"]},
        api="responses",
    ),
    # $3 in, $0.30 cached, $3.75 written for 5 minutes, $6 for an hour, $15 out
    Twin(
        "anthropic",
        "claude-sonnet-4-5",
        {
            "input_tokens": 100,
            "cache_read_input_tokens": 2000,
            "cache_creation_input_tokens": 350,
            "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 50},
            "output_tokens": 70,
        },
        Usage(
            input_tokens=2450,
            output_tokens=70,
            cached_tokens=2000,
            cache_write_tokens=350,
            cache_write_1h_tokens=50,
        ),
        (100 * 3 + 2000 * Decimal("0.30") + 300 * Decimal("3.75") + 50 * 6 + 70 * 15) / M,
        "/v1/messages",
        {"max_tokens": 50},
    ),
    # beyond 200,000 tokens: $6 in, $22.50 out
    Twin(
        "anthropic",
        "claude-sonnet-4-5",
        {"input_tokens": 200_001, "output_tokens": 10},
        Usage(input_tokens=200_001, output_tokens=10),
        (200_001 * 6 + 10 * Decimal("22.50")) / M,
        "/v1/messages",
    ),
    # $0.05 in, $0.08 out
    Twin(
        "groq",
        "llama-3.1-8b-instant",
        openai(900, 90),
        Usage(input_tokens=900, output_tokens=90),
        (900 * Decimal("0.05") + 90 * Decimal("0.08")) / M,
        "/openai/v1/chat/completions",
        {"max_tokens": 50},
        base="/openai/v1",
    ),
    # $2.50 in, $1.25 cached, $10 out
    Twin(
        "azure",
        "gpt-4o",
        openai(1000, 100, **CACHED),
        Usage(input_tokens=1000, output_tokens=100, cached_tokens=400),
        (600 * Decimal("2.50") + 400 * Decimal("1.25") + 100 * 10) / M,
        "/openai/v1/chat/completions",
        {"max_completion_tokens": 50},
        base="",
    ),
    # $0.15 in, $0.075 cached, $0.60 out, as OpenAI
    Twin(
        "openrouter",
        "openai/gpt-4o-mini",
        openai(1000, 100, **CACHED, cost=0.00018),
        Usage(input_tokens=1000, output_tokens=100, cached_tokens=400),
        (600 * Decimal("0.15") + 400 * Decimal("0.075") + 100 * Decimal("0.60")) / M,
        "/api/v1/chat/completions",
        base="/api/v1",
    ),
    # $0.2288 in, $0.3432 out; hits of the cache without a price of their own
    Twin(
        "deepseek",
        "deepseek-v3.2",
        openai(1000, 100, prompt_cache_hit_tokens=900, prompt_cache_miss_tokens=100),
        Usage(input_tokens=1000, output_tokens=100, cached_tokens=900),
        (1000 * Decimal("0.2288") + 100 * Decimal("0.3432")) / M,
    ),
    # $3 in, $0.75 cached, $15 out; reasoning is counted beside the completion and charged as output
    Twin(
        "xai",
        "grok-4",
        openai(1000, 50, **CACHED, completion_tokens_details={"reasoning_tokens": 300}) | {"total_tokens": 1350},
        Usage(input_tokens=1000, output_tokens=350, cached_tokens=400, reasoning_tokens=300),
        (600 * 3 + 400 * Decimal("0.75") + 350 * 15) / M,
    ),
    # $2 in, $6 out
    Twin(
        "mistral",
        "mistral-large-latest",
        openai(700, 30),
        Usage(input_tokens=700, output_tokens=30),
        (700 * 2 + 30 * 6) / M,
        sent={"max_tokens": 50, "random_seed": 7},
    ),
    # $0.30 in, $2.50 out, thoughts included; only the total counts them
    Twin(
        "google",
        "gemini-2.5-flash",
        openai(100, 20) | {"total_tokens": 620},
        Usage(input_tokens=100, output_tokens=520, inconsistent=True),
        (100 * Decimal("0.30") + 520 * Decimal("2.50")) / M,
        "/v1beta/openai/chat/completions",
        base="/v1beta/openai",
    ),
    Twin(
        "ollama", "llama3.2", openai(10, 5), Usage(input_tokens=10, output_tokens=5), None, sent={"max_tokens": 50}
    ),
    # the host's own prices: $1 in, $0.10 cached, $10 out, thinking at $4
    Twin(
        "openai_compatible",
        "house",
        openai(1000, 100, **CACHED, completion_tokens_details={"reasoning_tokens": 60}),
        Usage(input_tokens=1000, output_tokens=100, cached_tokens=400, reasoning_tokens=60),
        (600 * 1 + 400 * Decimal("0.10") + 40 * 10 + 60 * 4) / M,
        prices={"openai_compatible:house": {"input": "1", "cached": "0.1", "output": "10", "reasoning": "4"}},
    ),
]
EACH = pytest.mark.parametrize("twin", TWINS, ids=[f"{twin.provider}-{n}" for n, twin in enumerate(TWINS)])


def ended(wanted: Any, stream: bool) -> Outcome:
    if not stream:
        return engine().run(wanted)
    last = list(engine().stream(wanted))[-1]
    assert isinstance(last, Ended)
    return last.outcome


def target(twin: Twin, upstream: Upstream) -> Target:
    where = upstream.url + twin.base
    return Target(provider=twin.provider, model=twin.model, base_url=where, api=twin.api, api_key=KEY)


def test_every_provider_has_a_twin() -> None:
    """A row of the table without a twin is a promise that nobody checked."""
    assert {twin.provider for twin in TWINS} == PROVIDERS.keys() - {"offline"}


@EACH
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_twin_costs_what_its_vendor_takes(upstream: Upstream, twin: Twin, stream: bool) -> None:
    """Tokens and cost are right to the last digit, by the vendor's own price list."""
    upstream.answer("Good day.", usage=twin.report)
    outcome = ended(call(upstream, targets=(target(twin, upstream),), prices=twin.prices), stream)
    assert (outcome.status, outcome.output) == ("success", "Good day.")
    assert outcome.usage == twin.usage
    assert outcome.cost_usd == twin.cost


@EACH
def test_a_twin_is_asked_in_its_own_words(upstream: Upstream, twin: Twin) -> None:
    """Path, key and the names of parameters are the provider's; what it does not have is left out."""
    wanted = call(upstream, targets=(target(twin, upstream),), max_tokens=50, seed=7)
    assert engine().run(wanted).status == "success"
    sent = upstream.requests[0]
    assert sent.path == twin.path
    header = PROVIDERS[twin.provider].key_header
    assert sent.headers[header] == (f"Bearer {KEY}" if header == "authorization" else KEY)
    assert sent.json | twin.sent == sent.json
    has_seed = "seed" in PROVIDERS[twin.provider].parameters and twin.api is None
    assert has_seed or "seed" not in sent.json


def test_azure_has_a_path_for_each_version(upstream: Upstream) -> None:
    """With an api_version the deployment is part of the path, whatever characters its name has."""
    where = Target(
        provider="azure", model="my gpt/4", base_url=upstream.url, api_version="2024-10-21", api_key=KEY
    )
    assert engine().run(call(upstream, targets=(where,))).status == "success"
    assert upstream.requests[0].path == (
        "/openai/deployments/my%20gpt%2F4/chat/completions?api-version=2024-10-21"
    )


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_reasoning_goes_back_with_the_results_of_tools(upstream: Upstream, stream: bool) -> None:
    """In the responses API a model that reasons gets its sealed reasoning back before its call and the result."""

    def ping(_: Any) -> str:
        return "pong"

    tool = Tool(name="ping", description="Ping.", parameters={"type": "object"}, function=ping)
    where = Target(provider="openai", model="gpt-5-mini", base_url=upstream.base_url, api="responses", api_key=KEY)
    upstream.script(say(calls=(Wanted("ping"),)), say("Done."))
    outcome = ended(call(upstream, targets=(where,), tools=(tool,), tool_choice="required"), stream)
    assert (outcome.status, outcome.output) == ("success", "Done.")
    first, second = (request.json for request in upstream.requests)
    assert (first["tool_choice"], "tool_choice" in second) == ("required", False)
    assert [item.get("type", "message") for item in second["input"]] == [
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
    ]
    assert second["input"][1]["encrypted_content"] == "sealed"


REFUSED = "Unsupported parameter: '{}' is not supported with this model."


@pytest.mark.parametrize(
    ("provider", "model", "options", "refused"),
    [
        ("openai_compatible", "old", {"max_tokens": 9}, "max_tokens"),
        ("openai", "gpt-4o-mini", {"max_tokens": 9}, "max_completion_tokens"),
        ("openai_compatible", "thinker", {"temperature": 0.5}, "temperature"),
        ("openai_compatible", "thinker-2", {"stop": ("END",)}, "stop"),
        ("anthropic", "claude-next", {"top_p": 0.5}, "top_p"),
    ],
)
def test_a_refused_parameter_is_left_out_and_remembered(
    upstream: Upstream, provider: str, model: str, options: dict[str, Any], refused: str
) -> None:
    """One refusal that names the field costs one more request, and none the next time."""
    body = f'{{"error": {{"message": "{REFUSED.format(refused)}", "param": "{refused}"}}}}'
    upstream.script(status(400, body=body))
    wanted = call(upstream, provider=provider, model=model, **options)
    for requests in (2, 3):
        outcome = engine().run(wanted)
        assert (outcome.status, len(outcome.attempts)) == ("success", 1)
        assert len(upstream.requests) == requests
        assert refused not in upstream.requests[-1].json
    if "max" in refused:
        assert 9 in upstream.requests[-1].json.values()


@pytest.mark.parametrize(
    "body",
    [
        '{"error": {"message": "temperature must be at most 1", "param": "temperature"}}',
        '{"error": {"message": "unknown model"}}',
        "temperature " * 5_000,
        "",
    ],
)
def test_a_wrong_value_is_no_refusal_of_the_parameter(upstream: Upstream, body: str) -> None:
    """What the agent's author chose wrongly is an error, not quietly another request."""
    upstream.behave(status(400, body=body))
    outcome = engine().run(call(upstream, model="gpt-4o", temperature=1.5))
    assert (outcome.error, len(upstream.requests)) == ("upstream", 1)


def test_known_refusals_are_never_sent(upstream: Upstream) -> None:
    """OpenAI's reasoning models get no temperature and no stop."""
    wanted = call(upstream, model="o3-mini", temperature=0.5, stop=("END",), reasoning_effort="low")
    assert engine().run(wanted).status == "success"
    assert {"temperature", "stop", "reasoning_effort"} & upstream.requests[0].json.keys() == {"reasoning_effort"}


def test_repair_asks_once_and_counts_both_answers(upstream: Upstream) -> None:
    """An answer that does not fit goes back with what is wrong; both answers are paid for and counted."""
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    upstream.script(say('{"a": "x"}'), say('{"a": 1}'))
    outcome = engine().run(call(upstream, output_schema=schema))
    assert (outcome.status, outcome.output) == ("success", {"a": 1})
    assert outcome.usage == Usage(input_tokens=22, output_tokens=14)
    asked = upstream.requests[1].json["messages"]
    assert [message["role"] for message in asked] == ["user", "assistant", "user"]
    assert "integer" in asked[-1]["content"]
    upstream.script(say("no"), status(500), status(500))
    failed = engine().run(call(upstream, output_schema=schema, max_retries=1))
    assert (failed.error, failed.output) == ("invalid_output", "no")
    upstream.script(say("no"))
    assert engine().run(call(upstream, output_schema=schema, output_retries=0)).output == "no"
    assert len(upstream.requests) == 6


def test_thinking_is_told_apart_from_the_answer(upstream: Upstream) -> None:
    """A stream has events of thinking, and the outcome has both, apart."""
    upstream.answer("<think>hm hm</think> It is 42.")
    outcome = ended(call(upstream), stream=True)
    assert (outcome.output, outcome.thinking) == ("It is 42.", "hm hm")
    assert engine().run(call(upstream)).thinking == "hm hm"
