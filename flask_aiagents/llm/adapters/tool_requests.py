"""Put the tool calls of an answer together: whole ones, and ones that arrive in pieces."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..failures import Failure
from ..protocol import ToolRequest
from ..text import scrub, whole_pairs

MAX_TOOL_REQUESTS = 128
"""Most tool calls of one answer. An execution allows fewer; this bounds the work of reading."""

MAX_NAME = 256
"""Characters of a tool's name after which no further pieces of it are taken; no tool has a name that long."""


@dataclass(slots=True)
class _Pending:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class ToolRequests:
    """Tool calls in the order in which they began.

    Servers differ: some repeat name and id in each piece, some send several calls under one index, some send no
    index, no id or neither.
    """

    def __init__(self) -> None:
        self._calls: list[_Pending] = []
        self._at: dict[tuple[int | None, str], _Pending] = {}
        """By index and id; with an empty id: the last call of that index."""

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, index: int | None, id: str, name: str, arguments: str) -> None:
        """Take a call, or a piece of one.

        :raises Failure: for more than :data:`MAX_TOOL_REQUESTS`.
        """
        call = self._known(index, id, name) or self._new()
        call.id = call.id or id
        if name and name != call.name and len(call.name) < MAX_NAME:
            call.name += name
        if arguments:
            call.arguments.append(arguments)
        self._at[index, call.id] = self._at[index, ""] = call

    def finish(self) -> tuple[ToolRequest, ...]:
        """Return all calls; one without an id, or with another's, gets an id of its own."""
        used: set[str] = set()
        return tuple(self._request(call, number, used) for number, call in enumerate(self._calls))

    def _known(self, index: int | None, id: str, name: str) -> _Pending | None:
        if id and (index, id) in self._at:
            return self._at[index, id]
        last = self._at.get((index, ""))
        if last is None or (id and last.id):
            return None
        if index is None:
            return None if name and _looks_complete(last) else last
        return None if name and name != last.name and last.arguments else last

    def _new(self) -> _Pending:
        if len(self._calls) == MAX_TOOL_REQUESTS:
            raise Failure(error="tool_limit", did=f"asked for more than {MAX_TOOL_REQUESTS} tool calls at once")
        self._calls.append(_Pending())
        return self._calls[-1]

    def _request(self, call: _Pending, number: int, used: set[str]) -> ToolRequest:
        id = scrub(call.id)
        if not id or id in used:
            id = f"{id or 'call'}_{number}"
        used.add(id)
        return ToolRequest(id=id, name=scrub(call.name), arguments=scrub(whole_pairs("".join(call.arguments))))


def _looks_complete(call: _Pending) -> bool:
    return bool(call.arguments) and call.arguments[-1].rstrip().endswith("}")
