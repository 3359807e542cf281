"""Parts that the requests of all protocols have in common."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...types import JSONObject
from ..messages import Call, Target
from ..outcome import ToolCall
from ..protocol import HTTPCall, Reply, ToolRequest, Turn
from ..providers import PROVIDERS
from ..text import dump_json

NO_ARGUMENTS = frozenset({"", "null"})
"""Arguments that mean none."""


def post(target: Target, path: str, body: JSONObject, headers: dict[str, str] | None = None) -> HTTPCall:
    """Return the request that sends a body to a path of a provider, with the target's own key alone."""
    provider = PROVIDERS[target.provider]
    sent = {
        "content-type": "application/json",
        "accept": "text/event-stream" if body.get("stream") else "application/json",
        **(headers or {}),
    }
    if target.api_key:
        bearer = "Bearer " if provider.key_header == "authorization" else ""
        sent[provider.key_header] = bearer + target.api_key
    return HTTPCall(url=provider.url(target) + path, headers=sent, body=json.dumps(body).encode())


def sampling(target: Target, call: Call) -> JSONObject:
    """Return the parameters that the call names and the provider has; others are the provider's choice."""
    told: JSONObject = {
        "temperature": call.temperature,
        "top_p": call.top_p,
        "max_tokens": call.max_tokens,
        "stop": list(call.stop) or None,
        "seed": call.seed,
        "presence_penalty": call.presence_penalty,
        "frequency_penalty": call.frequency_penalty,
        "reasoning_effort": call.reasoning_effort,
        "parallel_tool_calls": call.parallel_tool_calls if call.tools else None,
    }
    known = PROVIDERS[target.provider].parameters
    return {name: value for name, value in told.items() if value is not None and name in known}


def tool_choice(call: Call, turns: Sequence[Turn]) -> str | None:
    """Return the choice of the first answer; later ones are free, for a forced call would follow each result."""
    return None if any(isinstance(turn, Reply) for turn in turns) or not call.tools else call.tool_choice


def result_text(call: ToolCall) -> str:
    """Return what a model is told of a tool's result."""
    told = f"Error: {call.error}" if call.error else call.result
    return told if isinstance(told, str) else dump_json(told)


def tool_use(request: ToolRequest) -> JSONObject:
    """Return a tool call as Anthropic's protocol has it; arguments that are no object are none there."""
    try:
        value = json.loads(request.arguments)
    except (ValueError, RecursionError):
        value = None
    input = value if isinstance(value, dict) else {}
    return {"type": "tool_use", "id": request.id, "name": request.name, "input": input}
