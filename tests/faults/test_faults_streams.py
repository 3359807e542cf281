from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import requests
from serving import System, Tenant


@dataclass
class Follower:
    """A stream of the log, over the wire."""

    response: requests.Response
    lines: Iterator[Any]
    token: str = ""

    @classmethod
    def of(cls, system: System, tenant: Tenant, token: str = "") -> Follower:
        url = f"{system.server.url}/api/ai_agent_activity_logs/stream"
        headers = {"X-API-Key": tenant.key} | ({"Last-Event-ID": token} if token else {})
        response = requests.get(url, headers=headers, stream=True, timeout=30)
        response.raise_for_status()
        return cls(response, response.iter_lines(chunk_size=1, decode_unicode=True), token)

    def close(self) -> None:
        self.response.close()

    def next(self) -> Any:
        """The next log."""
        for line in self.lines:
            if line.startswith("id: "):
                self.token = line.removeprefix("id: ")
            if line.startswith("data: "):
                return json.loads(line.removeprefix("data: "))
        raise AssertionError("the stream ended")


def post(system: System, tenant: Tenant, number: int) -> set[str]:
    """Logs of a client's own; their ids."""
    url, logs = f"{system.server.url}/api/ai_agent_activity_logs", [{"action": "import"}] * number
    response = requests.post(url, json=logs, headers={"X-API-Key": tenant.key}, timeout=30)
    response.raise_for_status()
    return {log["id"] for log in response.json()}


def test_a_stream_passes_a_server_as_it_is_written(system: System) -> None:
    """Not when it ends, with headers that keep proxies from collecting it; and each hears of its own tenant."""
    with closing(Follower.of(system, system.acme)) as acme, closing(Follower.of(system, system.globex)) as globex:
        assert acme.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert acme.response.headers["Cache-Control"] == "no-store"
        assert acme.response.headers["X-Accel-Buffering"] == "no"
        assert next(acme.lines) == "retry: 2000"
        ours, theirs = post(system, system.acme, 3), post(system, system.globex, 1)
        assert {acme.next()["id"] for _ in range(3)} == ours
        assert {globex.next()["id"]} == theirs


def test_a_stream_that_is_cut_loses_nothing(system: System) -> None:
    """Again and again in the middle of a burst; and it is not in the way of the next one, however late it is
    noticed."""
    made: set[str] = set()
    told: set[str] = set()
    follower = Follower.of(system, system.acme)
    for _ in range(6):
        made |= post(system, system.acme, 300)
        told |= {follower.next()["id"] for _ in range(100)}
        follower.close()
        follower = Follower.of(system, system.acme, follower.token)
    with closing(follower):
        while not made <= told:
            told.add(follower.next()["id"])


def test_a_server_stops_while_streams_are_open(system: System) -> None:
    """They are cut, and nobody waits for their end."""
    with closing(Follower.of(system, system.acme)) as follower:
        post(system, system.acme, 1)
        follower.next()
        system.server.process.terminate()
        assert system.server.process.wait(15) == 0
