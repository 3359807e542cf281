"""Two tenants on one server: an attacker that repeats requests, and a victim whose requests must all succeed.

Used by the tests of this folder and by row P12 of the benchmarks.
"""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from support.cast import ALICE, CHARLIE, OFFLINE, make_agent
from support.gunicorn import gunicorn
from support.hosts import ENCRYPTION_KEY, close, make_host
from support.slow_names import QUICK

from flask_aiagents.testing import client_as

MODULE = """
from support import slow_names
from support.hosts import make_host

slow_names.install()
app = make_host({uri!r}, migrated=False, AIAGENTS_ENCRYPTION_KEYS={key!r}, **{limits!r})
"""

LIMITS = {
    "AIAGENTS_ALLOWED_HOSTS": f"127.0.0.1,{QUICK}",
    # The rate of executions is off, so that nothing but the limits on what runs at once holds the attacker back.
    "AIAGENTS_ACTIVITY_ROWS_LIMIT": "60000/minute",
    "AIAGENTS_ACTIVITY_BYTES_LIMIT": "33554432/minute",
    "AIAGENTS_MAINTENANCE_INTERVAL_S": 10,
}

THREADS = 32

CONNECTIONS = 12
"""Connections on which the attacker repeats its requests."""

INVENTED = 12
"""Keys of the attacker's, each for a user that does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One request that the attacker repeats; ``{agent}`` in its path is the attacker's own agent."""

    name: str
    path: str
    method: str = "GET"
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    leave_s: float = 20.0
    """Seconds without a byte after which the attacker hangs up."""
    reads: bool = True
    """Whether the attacker reads the answer."""


def post(name: str, path: str, body: Any, **options: Any) -> Attack:
    """A POST of a value as JSON, or of bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Attack(name=name, path=path, method=options.pop("method", "POST"), body=raw, **options)


def execution(name: str, agent_id: str, **options: Any) -> Attack:
    """Run an agent."""
    return post(name, f"/ai_agents/{agent_id}/execute", {"input": "hi"}, **options)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request was answered."""

    status: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Client:
    """A tenant's programs, each with a key."""

    url: str
    agent_id: str
    tokens: tuple[str, ...]

    def send(self, connection: http.client.HTTPConnection, attack: Attack, token: str) -> Answer:
        """Send one request."""
        headers = {"X-API-Key": token, "Content-Type": "application/json"} | dict(attack.headers)
        path = urlsplit(self.url).path + attack.path.replace("{agent}", self.agent_id)
        connection.request(attack.method, path, attack.body, headers)
        response = connection.getresponse()
        with response:  # closes the socket of what is left unread
            text = response.read() if attack.reads else b""
        return Answer(response.status, text)

    def connect(self, timeout_s: float = 30) -> http.client.HTTPConnection:
        address = urlsplit(self.url)
        return http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout_s)


@dataclass
class Siege:
    """An attacker at work, on several connections and with several keys."""

    client: Client
    attacks: Sequence[Attack]
    statuses: Counter[int] = field(default_factory=Counter)
    """How the attacker's requests were answered; 0 is not at all."""
    sent: Counter[str] = field(default_factory=Counter)
    """How often each attack was sent."""

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._next = itertools.cycle(self.attacks)
        self._threads = [
            threading.Thread(target=self._repeat, args=(number,), daemon=True) for number in range(CONNECTIONS)
        ]

    def __enter__(self) -> Siege:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def is_complete(self) -> bool:
        """Whether each attack was sent."""
        return all(self.sent[attack.name] for attack in self.attacks)

    def _repeat(self, number: int) -> None:
        token = self.client.tokens[number % len(self.client.tokens)]
        while not self._stop.is_set():
            attack = next(self._next)
            connection = self.client.connect(attack.leave_s)
            self.sent[attack.name] += 1
            try:
                self.statuses[self.client.send(connection, attack, token).status] += 1
            except (OSError, http.client.HTTPException):
                self.statuses[0] += 1
            finally:
                connection.close()


VICTIM = (
    Attack(name="list", path="/ai_agents"),
    Attack(name="health", path="/health"),
    execution("run", "{agent}"),
)
"""What a tenant in peace does."""


@dataclass(frozen=True, slots=True)
class Arena:
    """A server with its two tenants."""

    app: Flask
    """The same database, seen from here; for preparing."""
    attacker: Client
    victim: Client

    def make_agent(self, name: str, config: dict[str, Any]) -> str:
        """An agent of the attacker's."""
        return make_agent(client_as(self.app, ALICE), name, model_config=config)["id"]

    def withstands(self, attacks: Sequence[Attack], rounds: int = 10, wait_s: float = 90) -> Siege:
        """Let the attacker repeat its requests while the victim works; each of the victim's must succeed."""
        until = time.monotonic() + wait_s
        with Siege(self.attacker, attacks) as siege:
            for number in itertools.count(1):
                for request, answer, _ in work(self.victim):
                    assert answer.status == 200, f"{request}: {answer} after {dict(siege.statuses)}"
                if number >= rounds and siege.is_complete():
                    break
                assert time.monotonic() < until, f"not all attacks were sent: {dict(siege.sent)}"
        return siege


def work(victim: Client) -> Iterator[tuple[str, Answer, float]]:
    """One round of the victim's: names of its requests, their answers and the seconds that they took."""
    with closing(victim.connect(60)) as connection:
        for request in VICTIM:
            started = time.perf_counter()
            answer = victim.send(connection, request, victim.tokens[0])
            yield request.name, answer, time.perf_counter() - started


@contextmanager
def arena(folder: Path, uri: str) -> Iterator[Arena]:
    """Two tenants on a server with 32 threads and the default limits."""
    app = make_host(uri, **LIMITS)
    clients = client_as(app, ALICE), client_as(app, CHARLIE)
    with gunicorn(folder, MODULE.format(uri=uri, key=ENCRYPTION_KEY, limits=LIMITS), THREADS) as server:
        url = f"{server.url}/api"
        yield Arena(app, _client(clients[0], url, INVENTED), _client(clients[1], url, 1))
    close(app)


def _client(client: Any, url: str, users: int) -> Client:
    keys = [{"name": "x", "user_id": f"invented-{number}"} for number in range(users)]
    tokens = [client.post("/api/ai_agent_api_keys", json=key).json["token"] for key in keys]
    return Client(url, make_agent(client, "Offline", model_config=OFFLINE)["id"], tuple(tokens))
