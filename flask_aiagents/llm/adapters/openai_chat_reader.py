"""Read answers of OpenAI's chat completions, and of the many servers that almost speak it."""

from __future__ import annotations

from typing import Any

from ...types import JSON, JSONObject
from ..failures import from_error_object, invalid_response
from .draft import Draft
from .fields import arguments, first_text, mapping, objects, text, whole
from .tool_requests import MAX_TOOL_REQUESTS
from .usage import openai_usage

MAX_CHOICES = 8
"""We ask for one; of more, as many are looked at."""

MAX_PARTS = 1_000
"""Most parts of one message's content."""


class ChatReader:
    """Fills a draft from a completion or its chunks. Of several choices the first counts."""

    def __init__(self) -> None:
        self.draft = Draft()
        self._index: object = None
        self._tier: Any = None
        self._reasoning: list[str] = []
        self._details: list[JSONObject] = []

    def raw(self) -> JSON:
        """Return what some providers want back together with the tool calls that it led to."""
        kept = {"reasoning_content": "".join(self._reasoning), "reasoning_details": self._details}
        return {name: value for name, value in kept.items() if value} or None

    def whole(self, answer: Any) -> None:
        """Take a completion."""
        answer = mapping(answer[0] if isinstance(answer, list) and answer else answer)
        self._frame(answer)
        if not (choices := objects(answer.get("choices"), MAX_CHOICES)):
            raise invalid_response()
        choice = choices[0]
        if not isinstance(choice.get("message"), dict) and not isinstance(choice.get("text"), str):
            raise invalid_response()
        message = mapping(choice.get("message"))
        calls = objects(message.get("tool_calls"), MAX_TOOL_REQUESTS + 1)
        message["tool_calls"] = [{**call, "index": position} for position, call in enumerate(calls)]
        self._choice(choice, message)
        self.draft.done = True

    def event(self, name: str, value: Any) -> None:
        """Take a chunk."""
        chunk = mapping(value)
        if name == "error" and "error" not in chunk:
            raise from_error_object(chunk)
        self._frame(chunk)
        for choice in objects(chunk.get("choices"), MAX_CHOICES):
            if self._is_first(choice.get("index")):
                self._choice(choice, mapping(choice.get("delta") or choice.get("message")))

    def _is_first(self, index: Any) -> bool:
        if self._index is None:
            self._index = index
        return index is None or index == self._index

    def _frame(self, answer: JSONObject) -> None:
        self._tier = answer.get("service_tier") or self._tier
        for report in (answer.get("usage"), mapping(answer.get("x_groq")).get("usage")):
            self.draft.add_usage(openai_usage(report, self._tier) if report else None)
        if answer.get("error"):
            raise from_error_object(answer["error"])
        if answer.get("object") == "error" or answer.get("type") == "error":
            raise from_error_object(answer)

    def _choice(self, choice: JSONObject, message: JSONObject) -> None:
        self._content(message.get("content") or choice.get("text"))
        self._thinking(message)
        self.draft.add_refusal(text(message.get("refusal")))
        self._tool_calls(message)
        if report := choice.get("usage"):
            self.draft.add_usage(openai_usage(report, self._tier))
        self.draft.end(choice.get("finish_reason"))
        if choice.get("error") or self.draft.broke_off:
            raise from_error_object(choice.get("error"))

    def _content(self, content: Any) -> None:
        if isinstance(content, str):
            self.draft.add_content(content)
            return
        for part in objects(content, MAX_PARTS):
            match part.get("type"):
                case "thinking" | "reasoning":
                    inner = objects(part.get("thinking"), MAX_PARTS) or [{"text": part.get("thinking")}]
                    self.draft.add_thinking("".join(text(piece.get("text")) for piece in inner))
                case "refusal":
                    self.draft.add_refusal(text(part.get("refusal")))
                case _:
                    self.draft.add_content(text(part.get("text")))

    def _thinking(self, message: JSONObject) -> None:
        # Some servers send the same text under two names.
        thought = first_text(message.get("reasoning_content"), message.get("reasoning"), message.get("thinking"))
        details = objects(message.get("reasoning_details"), MAX_PARTS)
        if not thought:
            thought = "".join(first_text(detail.get("text"), detail.get("summary")) for detail in details)
        self.draft.add_thinking(thought)
        self._reasoning.append(text(message.get("reasoning_content")))
        self._details += details

    def _tool_calls(self, message: JSONObject) -> None:
        for call in objects(message.get("tool_calls"), MAX_TOOL_REQUESTS + 1):
            self._add(whole(call.get("index")), call.get("id"), mapping(call.get("function")) or call)
        if function := mapping(message.get("function_call")):
            self._add(0, None, function)

    def _add(self, index: int | None, id: Any, function: JSONObject) -> None:
        given = arguments(function.get("arguments"))
        self.draft.tool_requests.add(index, text(id), text(function.get("name")), given)
