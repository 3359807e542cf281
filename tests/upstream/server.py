"""The server: takes requests, remembers them, and lets a behaviour answer each."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

from .behaviours import say
from .protocols import Request, parse


@dataclass
class Exchange:
    """One request and the connection to answer it on."""

    request: Request
    connection: socket.socket
    stopping: threading.Event
    keep_alive: bool = True

    def head(self, status: int = 200, **headers: str | int) -> bytes:
        """Status line and headers; ``content_type=...`` becomes ``content-type: ...``."""
        lines = [f"HTTP/1.1 {status} Because"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()

    def send(self, data: bytes) -> None:
        """Send bytes; a client that is gone is noted."""
        try:
            self.connection.sendall(data)
        except OSError:
            self._gone()

    def whole(self, body: bytes, status: int = 200, **headers: str | int) -> None:
        """Send a complete answer."""
        self.send(self.head(status, content_length=len(body), **headers) + body)

    def chunk(self, data: bytes) -> None:
        """Send a piece of a chunked body."""
        self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def wait(self, seconds: float | None = None) -> None:
        """Do nothing for a while, or until the client is gone."""
        end = None if seconds is None else time.monotonic() + seconds
        while not self.stopping.is_set() and (end is None or time.monotonic() < end):
            readable, _, _ = select.select([self.connection], [], [], 0.02)
            if readable:
                self._gone()
        if self.stopping.is_set():
            raise Gone

    def _gone(self) -> None:
        self.request.closed_early = True
        raise Gone


class Gone(Exception):
    """The client hung up, or the server is stopping."""


Behaviour: TypeAlias = Callable[[Exchange], None]
"""How one request is answered."""


@dataclass
class Upstream:
    """A context manager; ``url`` is its origin, ``base_url`` what an agent is configured with."""

    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> Upstream:
        self._scripted: deque[Behaviour] = deque()
        self._default: Behaviour = say()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def answer(self, *args: Any, **options: Any) -> None:
        """Say this from now on; takes what :func:`say` takes."""
        self._default = say(*args, **options)

    def behave(self, behaviour: Behaviour) -> None:
        """Do this from now on."""
        self._default = behaviour

    def script(self, *behaviours: Behaviour) -> None:
        """Do these for the next requests, one each."""
        self._scripted.extend(behaviours)

    def wait_closed(self, index: int = -1, seconds: float = 3.0) -> bool:
        """Whether the client of a request hung up before its answer was complete."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (self.requests and self.requests[index].closed_early):
            time.sleep(0.01)
        return bool(self.requests) and self.requests[index].closed_early

    def handle(self, exchange: Exchange) -> None:
        with self._lock:
            self.requests.append(exchange.request)
            behaviour = self._scripted.popleft() if self._scripted else self._default
        try:
            behaviour(exchange)
        except Gone:
            exchange.keep_alive = False

    def exchange(self, request: Request, connection: socket.socket) -> Exchange:
        return Exchange(request, connection, self._stopping)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients of these tests hang up rudely; that is no news."""


def _handler(upstream: Upstream) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            request = parse(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            request.peer = self.client_address[1]
            exchange = upstream.exchange(request, self.connection)
            upstream.handle(exchange)
            self.close_connection = self.close_connection or not exchange.keep_alive

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:  # the base class's name
            """Quiet."""

    return Handler
