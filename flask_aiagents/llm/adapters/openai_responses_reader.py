"""Read answers of OpenAI's responses."""

from __future__ import annotations

from typing import Any

from ...types import JSON, JSONObject
from ..failures import Failure, from_error_object, invalid_response
from .draft import Draft
from .fields import arguments, first_text, mapping, objects, text, whole
from .usage import openai_usage

MAX_ITEMS = 1_000
"""Most items of one response, and parts of one item."""


class ResponsesReader:
    """Fills a draft from a response or the events of its stream."""

    def __init__(self) -> None:
        self.draft = Draft()
        self._told: set[Any] = set()
        """Items whose content came in pieces; their whole, which comes last, says nothing new."""
        self._reasoning: list[JSON] = []

    def raw(self) -> JSON:
        """Return the reasoning that the next round wants back."""
        return self._reasoning

    def whole(self, answer: Any) -> None:
        """Take a response."""
        answer = mapping(answer)
        if not isinstance(answer.get("output"), list) and not answer.get("error"):
            raise invalid_response()
        for index, item in enumerate(objects(answer.get("output"), MAX_ITEMS)):
            self._item(index, item)
        self._end(answer)

    def event(self, name: str, value: Any) -> None:
        """Take an event; unknown kinds mean nothing to us."""
        event = mapping(value)
        index = whole(event.get("output_index"))
        match event.get("type") or name:
            case "response.output_text.delta":
                self._told.add(index)
                self.draft.add_text(text(event.get("delta")))
            case "response.refusal.delta":
                self._told.add(index)
                self.draft.add_refusal(text(event.get("delta")))
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                self._told.add(index)
                self.draft.add_thinking(text(event.get("delta")))
            case "response.function_call_arguments.delta":
                self._told.add(index)
                self.draft.tool_requests.add(index, "", "", arguments(event.get("delta")))
            case "response.output_item.added":
                self._begin(index, mapping(event.get("item")))
            case "response.output_item.done":
                self._item(index, mapping(event.get("item")))
            case "response.completed" | "response.incomplete" | "response.failed":
                self._end(mapping(event.get("response")))
            case "error":
                raise from_error_object(event.get("error") or event)
            case _:
                if event.get("error"):
                    raise from_error_object(event["error"])

    def _begin(self, index: int | None, item: JSONObject) -> None:
        if item.get("type") == "function_call":
            call_id = first_text(item.get("call_id"), item.get("id"))
            self.draft.tool_requests.add(index, call_id, text(item.get("name")), "")

    def _item(self, index: int | None, item: JSONObject) -> None:
        if len(self._reasoning) >= MAX_ITEMS:
            raise Failure(error="too_large", did=f"answered more than {MAX_ITEMS} items")
        match item.get("type"):
            case "reasoning":
                self._reason(index, item)
            case "message" if index not in self._told:
                for part in objects(item.get("content"), MAX_ITEMS):
                    self.draft.add_text(text(part.get("text")))
                    self.draft.add_refusal(text(part.get("refusal")))
            case "function_call":
                self._begin(index, item)
                if index not in self._told:
                    self.draft.tool_requests.add(index, "", "", arguments(item.get("arguments")))
            case _:
                pass
        self._told.add(index)

    def _reason(self, index: int | None, item: JSONObject) -> None:
        if index not in self._told:
            parts = objects(item.get("content"), MAX_ITEMS) or objects(item.get("summary"), MAX_ITEMS)
            self.draft.add_thinking("".join(text(part.get("text")) for part in parts))
        if item.get("encrypted_content"):
            names = ("type", "id", "summary", "encrypted_content")
            self._reasoning.append({name: item[name] for name in names if name in item})

    def _end(self, answer: JSONObject) -> None:
        self.draft.add_usage(openai_usage(answer.get("usage"), answer.get("service_tier")))
        if answer.get("error") or answer.get("status") in ("failed", "cancelled"):
            raise from_error_object(answer.get("error"))
        if answer.get("status") == "incomplete":
            self.draft.end(mapping(answer.get("incomplete_details")).get("reason") or "incomplete")
        self.draft.done = True
