"""OpenAI's chat completions: ``POST /chat/completions``."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from ...types import JSON, JSONObject
from ..messages import Call, Message, Target
from ..outcome import ToolCall
from ..protocol import AnswerParser, HTTPCall, Reply, Turn
from ..providers import PROVIDERS, Provider
from .body import Body
from .fields import mapping
from .openai_chat_reader import ChatReader
from .requests import NO_ARGUMENTS, post, result_text, sampling, tool_choice
from .schema_format import is_strict, system_prompt

_MAX_TOKENS = ("max_tokens", "max_completion_tokens")


class OpenAIChat:
    """Speaks it with every provider that does."""

    def build(
        self, target: Target, call: Call, turns: Sequence[Turn], *, stream: bool, refused: frozenset[str]
    ) -> HTTPCall:
        """Return the request for the next answer."""
        provider = PROVIDERS[target.provider]
        refused |= provider.known_refusals(target.model)
        form = _response_format(provider, target, call, refused)
        in_words = None if form and form["type"] == "json_schema" else call.output_schema
        body: JSONObject = {
            **call.extra_body,
            "model": target.model,
            "messages": _messages(target, turns, system_prompt(call.system_prompt, in_words)),
            **_named(provider, sampling(target, call), refused),
            **_tools(call, turns),
        }
        if form:
            body["response_format"] = form
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return post(target, _path(target), {k: v for k, v in body.items() if k not in refused})

    def parser(self) -> AnswerParser:
        """Return a parser of one completion."""
        return Body(ChatReader())


def _path(target: Target) -> str:
    """Return what follows the base of the URL: Azure has a path for each version of its interface."""
    if target.provider != "azure" or (target.base_url or "").rstrip("/").endswith("/v1"):
        return "/chat/completions"
    if target.api_version is None:
        return "/v1/chat/completions"
    return f"/deployments/{quote(target.model, safe='')}/chat/completions?api-version={quote(target.api_version)}"


def _named(provider: Provider, values: JSONObject, refused: frozenset[str]) -> JSONObject:
    """Give the values the names that the provider has for them; a refused name for the length has a twin."""
    limit = provider.max_tokens
    if limit in refused:
        limit = _MAX_TOKENS[limit == _MAX_TOKENS[0]]
    names = {**(provider.renames or {}), "max_tokens": limit}
    return {names.get(name, name): value for name, value in values.items()}


def _messages(target: Target, turns: Sequence[Turn], prompt: str | None) -> list[JSONObject]:
    messages: list[JSONObject] = [{"role": "system", "content": prompt}] if prompt else []
    for turn in turns:
        match turn:
            case Message(role=role, content=content):
                messages.append({"role": role, "content": content})
            case Reply():
                messages.append(_answer(target, turn))
            case results:
                messages += [_result(call) for call in results]
    return messages


def _answer(target: Target, reply: Reply) -> JSONObject:
    message: JSONObject = {"role": "assistant", "content": reply.text or None}
    if reply.tool_requests:
        message["tool_calls"] = [
            {
                "id": request.id,
                "type": "function",
                "function": {
                    "name": request.name,
                    "arguments": "{}" if request.arguments.strip() in NO_ARGUMENTS else request.arguments,
                },
            }
            for request in reply.tool_requests
        ]
    if reply.target == target and target.provider in _WANT_REASONING_BACK:
        message |= mapping(reply.raw)
    return message


_WANT_REASONING_BACK = frozenset({"deepseek", "openrouter"})
"""Providers whose reasoning models continue after a tool call from what they thought before it."""


def _result(call: ToolCall) -> JSONObject:
    return {"role": "tool", "tool_call_id": call.id, "content": result_text(call)}


def _tools(call: Call, turns: Sequence[Turn]) -> JSONObject:
    if not call.tools:
        return {}
    tools: list[JSON] = [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        }
        for tool in call.tools
    ]
    choice = tool_choice(call, turns)
    if choice is None:
        return {"tools": tools}
    plain = choice in ("auto", "none", "required")
    return {"tools": tools, "tool_choice": choice if plain else {"type": "function", "function": {"name": choice}}}


def _response_format(provider: Provider, target: Target, call: Call, refused: frozenset[str]) -> JSONObject | None:
    schema = call.output_schema
    if schema is None or "response_format" in refused:
        return None
    if provider.takes_schema(target.model):
        form: JSONObject = {"name": "output", "schema": schema}
        return {"type": "json_schema", "json_schema": form | ({"strict": True} if is_strict(schema) else {})}
    return {"type": "json_object"} if provider.json_mode and not call.tools else None
