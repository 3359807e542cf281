"""Scripted answers in place of all models of the process, for tests."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ..types import JSON, JSONObject
from .failures import Failure
from .messages import Call, Message, Target
from .outcome import Delta, Thinking, Usage, estimated_tokens
from .protocol import Listener, Reply, ToolRequest, Turn
from .text import dump_json


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeAnswer:
    """One answer of a scripted model."""

    text: str | Sequence[str] = ""
    """The whole text, or the pieces in which it is streamed."""
    tool_calls: Mapping[str, JSONObject] = field(default_factory=dict)
    """Tools that the model asks for, with their arguments."""
    thinking: str = ""
    error: str | None = None
    """The kind of failure in place of an answer, as ``rate_limited`` or ``timeout``."""
    retryable: bool = False
    """True if the failure is one that is tried again."""
    finish_reason: str | None = None
    usage: Usage | None = None
    """Usage to report; by default an estimate from the texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeCall:
    """One request that a scripted model got."""

    provider: str
    model: str
    prompt: str
    """The last words of the user."""
    messages: tuple[Message, ...]
    system_prompt: str | None
    tools: tuple[str, ...]
    results: tuple[JSON, ...]
    """Results of tools that it was told, the last ones last."""


Answer: TypeAlias = str | JSONObject | FakeAnswer | Callable[[FakeCall], "str | JSONObject | FakeAnswer"]
"""Text, an object that becomes JSON text, a whole answer, or a function of the request."""


class FakeModels:
    """Answers in order, remembers what was asked, and fails what was not expected."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self._answers = deque(answers)
        self._lock = threading.Lock()
        self.calls: list[FakeCall] = []
        """Requests in order."""
        self.stray: list[FakeCall] = []
        """Requests that found no answer left."""

    async def ask(self, target: Target, call: Call, turns: Sequence[Turn], listener: Listener | None) -> Reply:
        """Give the next answer.

        :raises Failure: for an answer that is an error, and when no answer is left.
        """
        asked = _asked(target, call, turns)
        answer = self._next(asked)
        if answer.error:
            raise Failure(error=answer.error, did="failed as scripted", retryable=answer.retryable, free=True)
        pieces = [answer.text] if isinstance(answer.text, str) else list(answer.text)
        if listener is not None:
            events = [Thinking(text=answer.thinking), *(Delta(text=piece) for piece in pieces)]
            for event in events:
                await listener.ready()
                if event.text:
                    listener.tell(event)
        requests = tuple(
            ToolRequest(id=f"fake-{len(self.calls)}-{number}", name=name, arguments=dump_json(arguments))
            for number, (name, arguments) in enumerate(answer.tool_calls.items())
        )
        text = "".join(pieces)
        counted = Usage(
            input_tokens=estimated_tokens(len(asked.prompt)), output_tokens=estimated_tokens(len(text))
        )
        return Reply(
            text=text,
            thinking=answer.thinking,
            tool_requests=requests,
            usage=answer.usage or counted,
            finish_reason=answer.finish_reason or ("tool_call" if requests else "stop"),
        )

    def assert_no_calls(self) -> None:
        """Fail unless no model was asked."""
        assert not self.calls, f"{len(self.calls)} calls: {self._prompts()}"  # noqa: S101  # that is its purpose

    def assert_called_times(self, times: int) -> None:
        """Fail unless models were asked so many times, each round of tools counted."""
        assert len(self.calls) == times, f"{len(self.calls)} calls: {self._prompts()}"  # noqa: S101

    def assert_called_once_with(self, prompt: str) -> None:
        """Fail unless one model was asked once, with these last words of the user."""
        assert self._prompts() == [prompt], f"the calls were {self._prompts()}"  # noqa: S101

    def _prompts(self) -> list[str]:
        return [call.prompt for call in self.calls]

    def _next(self, asked: FakeCall) -> FakeAnswer:
        with self._lock:
            self.calls.append(asked)
            if not self._answers:
                self.stray.append(asked)
                did = "was asked once more than fake_models has answers; give it another one"
                raise Failure(error="stray_call", did=did, free=True)
            answer = self._answers.popleft()
        if callable(answer):
            answer = answer(asked)
        if isinstance(answer, FakeAnswer):
            return answer
        return FakeAnswer(text=answer if isinstance(answer, str) else dump_json(answer))


def _asked(target: Target, call: Call, turns: Sequence[Turn]) -> FakeCall:
    said = [turn.content for turn in turns if isinstance(turn, Message) and turn.role == "user"]
    results = [result.result for turn in turns if isinstance(turn, tuple) for result in turn]
    return FakeCall(
        provider=target.provider,
        model=target.model,
        prompt=said[-1] if said else "",
        messages=tuple(turn for turn in turns if isinstance(turn, Message)),
        system_prompt=call.system_prompt,
        tools=tuple(tool.name for tool in call.tools),
        results=tuple(results),
    )


_current: list[FakeModels] = []


def current() -> FakeModels | None:
    """Return what answers in place of all models; None outside of tests."""
    return _current[-1] if _current else None


def replace_models(fake: FakeModels) -> Callable[[], None]:
    """Let it answer for all models of the process; return what ends that."""
    _current.append(fake)
    return lambda: _current.remove(fake)
