"""Anthropic's messages: ``POST /v1/messages``."""

from __future__ import annotations

from collections.abc import Sequence

from ...types import JSON, JSONObject
from ..messages import Call, Message, Target
from ..outcome import ToolCall
from ..prices import max_output_tokens
from ..protocol import AnswerParser, HTTPCall, Reply, Turn
from ..providers import PROVIDERS
from .anthropic_reader import MessagesReader
from .body import Body
from .requests import post, result_text, sampling, tool_choice, tool_use
from .schema_format import system_prompt

VERSION = "2023-06-01"
"""The version of the protocol."""

MAX_TOKENS = 8_192
"""The protocol wants a bound; this one holds where neither the agent nor the model has a lower one."""


class AnthropicMessages:
    """Speaks it."""

    def build(
        self, target: Target, call: Call, turns: Sequence[Turn], *, stream: bool, refused: frozenset[str]
    ) -> HTTPCall:
        """Return the request for the next answer."""
        native = PROVIDERS[target.provider].takes_schema(target.model) and "output_config" not in refused
        prompt = system_prompt(call.system_prompt, None if native else call.output_schema)
        body: JSONObject = {
            **call.extra_body,
            "model": target.model,
            "messages": [_message(target, turn) for turn in turns if not _is_empty(turn)],
            **_settings(target, call),
            **_tools(call, turns),
        }
        if prompt:
            body["system"] = prompt
        if call.output_schema is not None and native:
            body["output_config"] = {"format": {"type": "json_schema", "schema": call.output_schema}}
        if stream:
            body["stream"] = True
        path = "/messages" if (target.base_url or "").rstrip("/").endswith("/v1") else "/v1/messages"
        kept = {key: value for key, value in body.items() if key not in refused or key == "max_tokens"}
        return post(target, path, kept, {"anthropic-version": VERSION})

    def parser(self) -> AnswerParser:
        """Return a parser of one message."""
        return Body(MessagesReader())


def _settings(target: Target, call: Call) -> JSONObject:
    limit = min(MAX_TOKENS, max_output_tokens(target.provider, target.model) or MAX_TOKENS)
    values = {"max_tokens": limit} | sampling(target, call)
    values.pop("parallel_tool_calls", None)
    return {"stop_sequences" if name == "stop" else name: value for name, value in values.items()}


def _is_empty(turn: Turn) -> bool:
    """Return whether the protocol would refuse a turn because nothing was said in it."""
    match turn:
        case Message(role="assistant", content=""):
            return True
        case Reply(text="", tool_requests=()):
            return True
        case _:
            return False


def _message(target: Target, turn: Turn) -> JSONObject:
    match turn:
        case Message(role=role, content=content):
            return {"role": role, "content": content}
        case Reply():
            return {"role": "assistant", "content": _answer(target, turn)}
        case results:
            return {"role": "user", "content": [_result(call) for call in results]}


def _answer(target: Target, reply: Reply) -> JSON:
    """Return the answer's blocks; its own model gets its thinking back, which it has signed."""
    if reply.target == target and isinstance(reply.raw, list):
        return reply.raw
    blocks: list[JSON] = [{"type": "text", "text": reply.text}] if reply.text else []
    return blocks + [tool_use(request) for request in reply.tool_requests]


def _result(call: ToolCall) -> JSONObject:
    result: JSONObject = {"type": "tool_result", "tool_use_id": call.id, "content": result_text(call)}
    return result | ({"is_error": True} if call.error else {})


def _tools(call: Call, turns: Sequence[Turn]) -> JSONObject:
    if not call.tools:
        return {}
    tools: list[JSON] = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
        for tool in call.tools
    ]
    choice = _choice(tool_choice(call, turns))
    if call.parallel_tool_calls is False and choice.get("type") != "none":
        choice = {"type": "auto"} | choice | {"disable_parallel_tool_use": True}
    return {"tools": tools, "tool_choice": choice} if choice else {"tools": tools}


def _choice(choice: str | None) -> JSONObject:
    match choice:
        case None:
            return {}
        case "auto" | "none":
            return {"type": choice}
        case "required":
            return {"type": "any"}
        case _:
            return {"type": "tool", "name": choice}
