"""OpenAI's responses: ``POST /responses``. Nothing is stored there; reasoning goes back and forth encrypted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from ...types import JSON, JSONObject
from ..messages import Call, Message, Target
from ..outcome import ToolCall
from ..protocol import AnswerParser, HTTPCall, Reply, Turn
from ..providers import PROVIDERS, RESPONSES_PARAMETERS
from .body import Body
from .openai_responses_reader import ResponsesReader
from .requests import NO_ARGUMENTS, post, result_text, sampling, tool_choice
from .schema_format import is_strict, system_prompt

_REASONS = re.compile(r"o[134](-.*)?|gpt-5(?!.*chat).*")
"""Models whose reasoning can be handed back."""

_RENAMES = {"max_tokens": "max_output_tokens"}


class OpenAIResponses:
    """Speaks it."""

    def build(
        self, target: Target, call: Call, turns: Sequence[Turn], *, stream: bool, refused: frozenset[str]
    ) -> HTTPCall:
        """Return the request for the next answer."""
        provider = PROVIDERS[target.provider]
        refused |= provider.known_refusals(target.model)
        native = provider.takes_schema(target.model) and "text" not in refused
        prompt = system_prompt(call.system_prompt, None if native else call.output_schema)
        body: JSONObject = {
            **call.extra_body,
            "model": target.model,
            "input": [item for turn in turns for item in _items(target, turn)],
            "store": False,
            **_settings(target, call),
            **_tools(call, turns),
        }
        if prompt:
            body["instructions"] = prompt
        if call.output_schema is not None and native:
            body["text"] = {"format": _format(call.output_schema)}
        if _REASONS.fullmatch(target.model):
            body["include"] = ["reasoning.encrypted_content"]
        if stream:
            body["stream"] = True
        return post(target, _path(target), {key: value for key, value in body.items() if key not in refused})

    def parser(self) -> AnswerParser:
        """Return a parser of one response."""
        return Body(ResponsesReader())


def _path(target: Target) -> str:
    if target.provider != "azure" or (target.base_url or "").rstrip("/").endswith("/v1"):
        return "/responses"
    version = target.api_version
    return "/v1/responses" if version is None else f"/responses?api-version={quote(version)}"


def _settings(target: Target, call: Call) -> JSONObject:
    values = {name: value for name, value in sampling(target, call).items() if name in RESPONSES_PARAMETERS}
    effort = values.pop("reasoning_effort", None)
    named = {_RENAMES.get(name, name): value for name, value in values.items()}
    return named | ({"reasoning": {"effort": effort}} if effort else {})


def _format(schema: JSONObject) -> JSONObject:
    return {"type": "json_schema", "name": "output", "schema": schema, "strict": is_strict(schema)}


def _items(target: Target, turn: Turn) -> list[JSON]:
    match turn:
        case Message(role=role, content=content):
            return [{"role": role, "content": content}]
        case Reply():
            return _answer(target, turn)
        case results:
            return [_result(call) for call in results]


def _answer(target: Target, reply: Reply) -> list[JSON]:
    """Return the items of an answer; its own model gets its reasoning back."""
    reasoning = reply.raw if reply.target == target and isinstance(reply.raw, list) else []
    message: list[JSON] = [{"role": "assistant", "content": reply.text}] if reply.text else []
    calls: list[JSON] = [
        {
            "type": "function_call",
            "call_id": request.id,
            "name": request.name,
            "arguments": "{}" if request.arguments.strip() in NO_ARGUMENTS else request.arguments,
        }
        for request in reply.tool_requests
    ]
    return [*reasoning, *message, *calls]


def _result(call: ToolCall) -> JSONObject:
    return {"type": "function_call_output", "call_id": call.id, "output": result_text(call)}


def _tools(call: Call, turns: Sequence[Turn]) -> JSONObject:
    if not call.tools:
        return {}
    tools: list[JSON] = [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
            "strict": False,
        }
        for tool in call.tools
    ]
    choice = tool_choice(call, turns)
    if choice is None:
        return {"tools": tools}
    plain = choice in ("auto", "none", "required")
    return {"tools": tools, "tool_choice": choice if plain else {"type": "function", "name": choice}}
