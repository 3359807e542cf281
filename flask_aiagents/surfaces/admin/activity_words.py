"""What a failed run means for who reads its log, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .texts import _l

ADVICE = {
    "timeout": _l("The time was up. Raise the agent's timeout, or ask for less."),
    "rate_limited": _l("The provider wants fewer requests. Wait, or add a fallback model."),
    "authentication": _l("The provider refused the key. Store a valid one for the agent or the tenant."),
    "tool_limit": _l("The model called tools without end. Give the agent fewer or clearer ones."),
    "invalid_output": _l("The answer does not fit the output schema. Loosen it, or tell the model more plainly."),
    "address_refused": _l("The base URL is at an address that is not allowed. The operator can admit its host."),
    "connection": _l("The provider could not be reached. Try again, or check the base URL."),
    "upstream": _l("The provider failed. Try again, or add a fallback model."),
    "incomplete": _l("The provider broke its answer off. What came is kept."),
    "invalid_response": _l("What answered does not speak the provider's protocol. Check the base URL."),
    "too_large": _l("The answer was too long to be read. Ask for less."),
    "cancelled": _l("The reader left before the end. What came until then is kept, and it is paid for."),
    "interrupted": _l("The process that ran this ended midway. What came until then is kept."),
}

OTHER = _l("It failed in a way that has no advice here; the message and the attempts tell more.")


def advice(row: Mapping[str, Any]) -> str:
    """What to do about a log that did not end well."""
    return str(ADVICE.get(row["error"] or row["status"]) or ADVICE.get(row["status"]) or OTHER)


def messages(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The conversation that an execution was asked, if it was one and was kept whole."""
    data = row["request_data"]
    asked = data.get("input") if isinstance(data, Mapping) else None
    if isinstance(asked, str):
        return [{"role": "user", "content": asked}]
    if not isinstance(asked, list):
        return []
    return [one for one in asked if isinstance(one, Mapping) and isinstance(one.get("content"), str)]


def tool_calls(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The tools that a run called; what a client recorded may have any shape, and is left out when it is none."""
    data = row["response_data"]
    calls = data.get("tool_calls") if isinstance(data, Mapping) else None
    return [_whole(call) for call in calls if isinstance(call, Mapping)] if isinstance(calls, list) else []


def _whole(call: Mapping[str, Any]) -> Mapping[str, Any]:
    taken = call.get("duration_ms")
    whole = {**dict.fromkeys(("name", "arguments", "result", "error")), **call}
    return whole | {"duration_ms": taken if isinstance(taken, int | float) else None}
