"""Tools: their schemas, and the rounds in which models call them."""

from __future__ import annotations

import contextvars
import threading
import time
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest
from upstream import Call as Wanted
from upstream import Upstream, say
from upstream.calls import call

from flask_aiagents.errors import ConfigurationError
from flask_aiagents.llm.engine import engine
from flask_aiagents.llm.messages import Call, Message, Target, Tool
from flask_aiagents.llm.outcome import Ended, ToolCallEnded, ToolCallStarted
from flask_aiagents.llm.tools import ToolRegistry, tool_from_function


@dataclass
class Place:
    city: str
    country: str = "NL"


def weather(place: Place, unit: Literal["c", "f"] = "c", days: int | None = None) -> str:
    """The weather at a place.

    Args:
        place: Where.
        unit: Celsius or Fahrenheit.
    """
    return f"{place.city}, {place.country}: 20 {unit}, {days}"


def add(a: int, b: int) -> int:
    """Add two numbers.

    :param a: The first.
    """
    return a + b


def bound(*functions: Any) -> tuple[Tool, ...]:
    registry = ToolRegistry()
    for function in functions:
        registry.register(function)
    return tuple(registry.bind(function.__name__) for function in functions)


def test_a_signature_becomes_a_schema() -> None:
    """Types, defaults and docs of a function are what the model sees."""
    (tool,) = bound(weather)
    assert (tool.name, tool.description) == ("weather", "The weather at a place.")
    properties = tool.parameters["properties"]
    assert tool.parameters["required"] == ["place"]
    assert tool.parameters["additionalProperties"] is False
    assert (properties["unit"]["enum"], properties["unit"]["default"]) == (["c", "f"], "c")
    assert properties["unit"]["description"] == "Celsius or Fahrenheit."
    assert bound(add)[0].parameters["properties"]["a"] == {"type": "integer", "description": "The first."}


def test_arguments_become_what_the_signature_says() -> None:
    """A dataclass parameter gets a dataclass, not a dict."""
    assert bound(weather)[0].function({"place": {"city": "Delft"}, "days": 2}) == "Delft, NL: 20 c, 2"


def test_an_unusable_function_is_refused_at_registration() -> None:
    """What cannot become a schema is told to the host at once, with the mend."""

    def bare(x) -> str:  # type: ignore[no-untyped-def]
        return x

    def starred(*args: int) -> str:
        return str(args)

    async def later(x: int) -> int:
        return x

    for function in (bare, starred, later, lambda: 1):
        with pytest.raises(ConfigurationError, match="cannot be a tool"):
            tool_from_function(function)


def test_two_tools_cannot_share_a_name() -> None:
    """The second function of a name is refused; the same one again is not."""

    def other() -> int:
        return 1

    other.__name__ = "add"
    registry = ToolRegistry()
    registry.register(add)
    registry.register(add)
    with pytest.raises(ConfigurationError, match="'add' already"):
        registry.register(other)
    assert registry.names() == ("add",)
    assert "add" in registry


@pytest.mark.parametrize(("provider", "model"), [("openai", "gpt-4o-mini"), ("anthropic", "claude-haiku-4-5")])
@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_is_run_and_its_result_told(upstream: Upstream, provider: str, model: str, stream: bool) -> None:
    """The model asks for a tool, gets its result, and answers; the call is on record with both rounds' tokens."""
    upstream.script(say(calls=(Wanted("add", {"a": 2, "b": 3}),)), say("It is 5."))
    wanted = call(upstream, tools=bound(add), provider=provider, model=model)
    if stream:
        events = list(engine().stream(wanted))
        kinds = [type(e) for e in events if isinstance(e, ToolCallStarted | ToolCallEnded)]
        assert kinds == [ToolCallStarted, ToolCallEnded]
        assert isinstance(events[-1], Ended)
        outcome = events[-1].outcome
    else:
        outcome = engine().run(wanted)
    assert (outcome.status, outcome.output) == ("success", "It is 5.")
    (made,) = outcome.tool_calls
    assert (made.name, made.arguments, made.result, made.error) == ("add", {"a": 2, "b": 3}, 5, None)
    assert outcome.usage is not None
    assert outcome.usage.input_tokens == 22
    assert len(outcome.attempts) == 2
    assert "5" in upstream.requests[1].body.decode()


@pytest.mark.parametrize(
    ("name", "arguments", "word"),
    [
        ("nonsense", {}, "There is no tool 'nonsense'"),
        ("add", {"a": 1}, "b: Field required"),
        ("add", {"a": "x", "b": 2}, "a: Input should be a valid integer"),
        ("add", {"a": 1, "b": 2, "c": 3}, "c: Extra inputs"),
        ("add", "{not json", "not a JSON object"),
        ("add", "[1]", "not a JSON object"),
        ("add", '{"a": NaN, "b": 1}', "not a JSON object"),
        ("add", '{"a": ' + "[" * 100_000, "not a JSON object"),
        ("fail", {}, "ZeroDivisionError: division by zero"),
    ],
)
def test_what_goes_wrong_is_told_to_the_model(upstream: Upstream, name: str, arguments: Any, word: str) -> None:
    """Unknown tools, bad arguments and raising tools end no call; the model hears type and message."""

    def fail() -> float:
        """Fail."""
        return 1 / 0

    upstream.script(say(calls=(Wanted(name, arguments),)), say("Sorry."))
    outcome = engine().run(call(upstream, tools=bound(add, fail)))
    assert (outcome.status, outcome.output) == ("success", "Sorry.")
    assert word in (outcome.tool_calls[0].error or "")
    assert "Traceback" not in upstream.requests[1].body.decode()
    assert "Error: " in upstream.requests[1].body.decode()


def test_a_hanging_tool_is_abandoned(upstream: Upstream) -> None:
    """A tool that does not answer in time is reported to the model, and the call goes on."""
    stop = threading.Event()

    def hang() -> str:
        """Hang."""
        stop.wait(10)
        return "late"

    upstream.script(say(calls=(Wanted("hang"),)), say("Too slow."))
    started = time.monotonic()
    outcome = engine().run(call(upstream, tools=bound(hang), tool_s=0.3))
    stop.set()
    assert time.monotonic() - started < 1.3
    assert outcome.output == "Too slow."
    assert "within 0.3 s" in (outcome.tool_calls[0].error or "")


def test_tools_of_one_round_run_side_by_side_in_empty_contexts(upstream: Upstream) -> None:
    """Two tools run at once, and no context variable of anyone is visible in them."""
    leak: contextvars.ContextVar[str] = contextvars.ContextVar("leak", default="clean")
    leak.set("leaked")
    both = threading.Barrier(2, timeout=5)

    def meet() -> str:
        """Meet."""
        both.wait()
        return leak.get()

    upstream.script(say(calls=(Wanted("meet", id="1"), Wanted("meet", id="2"))), say("Met."))
    outcome = engine().run(call(upstream, tools=bound(meet)))
    assert [made.result for made in outcome.tool_calls] == ["clean", "clean"]


def test_endless_tool_rounds_are_stopped(upstream: Upstream) -> None:
    """A model that never stops asking for tools is stopped at the limit of rounds."""
    upstream.behave(say(calls=(Wanted("add", {"a": 1, "b": 1}),)))
    outcome = engine().run(call(upstream, tools=bound(add), max_tool_rounds=3))
    assert (outcome.status, outcome.error) == ("error", "tool_limit")
    assert (len(outcome.tool_calls), len(upstream.requests)) == (3, 4)


def test_too_many_tool_calls_are_stopped(upstream: Upstream) -> None:
    """More calls than the limit run none of the surplus."""
    calls = tuple(Wanted("add", {"a": 1, "b": 1}, id=str(n)) for n in range(5))
    upstream.behave(say(calls=calls))
    outcome = engine().run(call(upstream, tools=bound(add), max_tool_calls=7))
    assert (outcome.error, len(outcome.tool_calls)) == ("tool_limit", 5)


def test_r28_tool_arguments_and_results_are_scrubbed(upstream: Upstream) -> None:
    """NUL and lone surrogates in a tool's arguments or result reach no log."""

    def echo(text: str) -> dict[str, str]:
        """Echo."""
        return {"said": text + "\x00\ud83d"}

    upstream.script(say(calls=(Wanted("echo", {"text": "a\x00b"}),)), say("Done."))
    outcome = engine().run(call(upstream, tools=bound(echo)))
    assert outcome.tool_calls[0].arguments == {"text": "ab"}
    assert outcome.tool_calls[0].result == {"said": "ab\N{REPLACEMENT CHARACTER}"}


def test_the_offline_model_calls_the_tool_that_is_named() -> None:
    """A demo without any key shows a tool at work."""
    wanted = Call(
        targets=(Target(provider="offline", model="demo"),),
        messages=(Message(role="user", content="Please add 19 and 23"),),
        tools=bound(add),
    )
    outcome = engine().run(wanted)
    assert outcome.tool_calls[0].result == 42
    assert "42" in outcome.output


class Spot(TypedDict):
    city: str
    zone: NotRequired[int]


def everything(
    spot: Spot,
    spots: list[Spot],
    place: Place,
    model_config: str,
    json: Annotated[int, "a number"],
    *,
    schema: Literal["a", "b"] = "a",
    maybe: int | None = None,
    nothing: None = None,
) -> list[Any]:
    """Take every kind of parameter."""
    return [spot, spots, place.city, model_config, json, schema, maybe, nothing]


def test_every_signature_that_registers_also_runs() -> None:
    """TypedDicts, dataclasses, literals, annotations, defaults, keyword-only and names that pydantic keeps."""
    (tool,) = bound(everything)
    assert tool.parameters["properties"]["schema"]["default"] == "a"
    arguments = {
        "spot": {"city": "Oslo"},
        "spots": [{"city": "Rome", "zone": 1}],
        "place": {"city": "Delft"},
        "model_config": "m",
        "json": 3,
        "maybe": None,
    }
    expected = [{"city": "Oslo"}, [{"city": "Rome", "zone": 1}], "Delft", "m", 3, "a", None, None]
    assert tool.function(arguments) == expected
    with pytest.raises(ValueError, match=r"spot.city: Field required"):
        tool.function(arguments | {"spot": {}})


def test_a_parameter_that_no_model_could_fill_is_refused() -> None:
    """Private names and types without a JSON Schema are told when the tool is registered, not in each run."""

    def private(_x: int) -> int:
        return _x

    def opaque(lock: threading.Event) -> int:
        return 1

    for function in (private, opaque):
        with pytest.raises(ConfigurationError, match="cannot be a tool"):
            tool_from_function(function)


@pytest.mark.parametrize("arguments", ["", "  ", "null", "{}"])
def test_no_arguments_in_any_form_mean_none(upstream: Upstream, arguments: str) -> None:
    """A call without arguments runs, however a provider writes that there are none."""

    def ping() -> str:
        """Ping."""
        return "pong"

    upstream.script(say(calls=(Wanted("ping", arguments),)), say("Done."))
    outcome = engine().run(call(upstream, tools=bound(ping)))
    assert (outcome.tool_calls[0].result, outcome.tool_calls[0].error) == ("pong", None)
