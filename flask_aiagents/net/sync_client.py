"""HTTP requests in the thread that makes them, under the same limits and with the same errors as :mod:`.client`.

::

    with client.post(url, headers, body, limits=Limits(total_s=60), tenant="acme") as response:
        answer = b"".join(response)

For one request and one whole answer this costs a tenth of what a hop to the event loop and back costs. It blocks:
never use it on the loop.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TypeAlias
from weakref import WeakValueDictionary

from .errors import Broken, Compressed, TooLarge
from .http1 import AnswerReader, BadAnswer
from .limits import MAX_CONNECTIONS, MAX_PART_BYTES, Clock, Limits
from .request import Place, Target, complete, target
from .sockets import Sockets, connect

_Owner: TypeAlias = "tuple[str | None, Place]"


class SyncClient:
    """Sends requests over connections that are kept. One for each process is enough."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: WeakValueDictionary[_Owner, threading.Semaphore] = WeakValueDictionary()
        self.sockets = Sockets()

    def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        limits: Limits,
        allowed_hosts: Iterable[str] = (),
        tenant: str | None = None,
    ) -> SyncResponse:
        """Return a request that is sent when its context is entered; parameters as of :meth:`.Client.post`.

        :raises Unsendable: when URL or headers hold what HTTP cannot carry.
        """
        where = target(url, tuple(allowed_hosts))
        return SyncResponse(self, where.place, tenant, _head(where, headers, len(body)) + body, limits)

    def slots(self, tenant: str | None, place: Place) -> threading.Semaphore:
        """Return the tenant's connections to a place, to acquire one."""
        with self._lock:
            if (slots := self._slots.get((tenant, place))) is None:
                slots = self._slots[tenant, place] = threading.Semaphore(MAX_CONNECTIONS)
            return slots

    def close(self) -> None:
        """Close all idle connections."""
        self.sockets.close()


class SyncResponse:
    """One request and its answer: a context manager, and an iterator over the parts of the body."""

    def __init__(
        self, client: SyncClient, place: Place, tenant: str | None, request: bytes, limits: Limits
    ) -> None:
        self._client = client
        self._place = place
        self._tenant = tenant
        self._request = request
        self._limits = limits
        self._answer = AnswerReader()
        self._slots: threading.Semaphore | None = None
        self._sock: socket.socket | None = None
        self._first = b""
        self._received = 0

    @property
    def status(self) -> int:
        return self._answer.status

    @property
    def headers(self) -> dict[str, str]:
        """Names are in lower case."""
        return self._answer.headers

    def __enter__(self) -> SyncResponse:
        self._clock = Clock(self._limits, time.monotonic())
        try:
            self._connect()
            self._clock.begin("first_byte", time.monotonic())
            self._send()
            while not self._answer.status:
                self._first = self._read()
        except TimeoutError:
            self._release()
            raise self._clock.timed_out() from None
        except BaseException:
            self._release()
            raise
        return self

    def _connect(self) -> None:
        slots = self._client.slots(self._tenant, self._place)
        if not slots.acquire(timeout=self._clock.left()):
            raise TimeoutError
        self._slots = slots
        self._sock = self._client.sockets.take(self._place) or connect(self._place, self._tenant, self._clock)

    def _send(self) -> None:
        assert self._sock is not None  # noqa: S101  # for types
        rest = memoryview(self._request)
        try:
            while rest:
                self._sock.settimeout(self._clock.left())
                rest = rest[self._sock.send(rest[:MAX_PART_BYTES]) :]
        except TimeoutError:
            raise
        except OSError:
            pass  # a server that refuses a long request may have answered before it hung up

    def __iter__(self) -> SyncResponse:
        return self

    def __next__(self) -> bytes:
        if self.headers.get("content-encoding", "identity").lower() != "identity":
            raise Compressed("the body is compressed")
        part, self._first = self._first, b""
        if self._received:
            self._clock.begin("idle", time.monotonic())
        try:
            while not part and not self._answer.done:
                part = self._read()
        except TimeoutError:
            raise self._clock.timed_out() from None
        if not part:
            raise StopIteration
        self._received += len(part)
        if self._received > self._limits.max_response_bytes:
            raise TooLarge(f"the body is larger than {self._limits.max_response_bytes} bytes")
        return part

    def _read(self) -> bytes:
        assert self._sock is not None, "use `with`"  # noqa: S101  # for types
        answered = bool(self._answer.status)
        try:
            self._sock.settimeout(self._clock.left())
            data = self._sock.recv(MAX_PART_BYTES)
            answered = answered or bool(data)
            return self._answer.feed(data)
        except TimeoutError:
            raise
        except (OSError, BadAnswer):
            pass
        raise Broken("the connection ended within the answer, or what came is not HTTP", answered=answered)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._release()

    def _release(self) -> None:
        if self._sock is not None:
            if self._answer.reusable:
                self._client.sockets.give_back(self._place, self._sock)
            else:
                self._sock.close()
            self._sock = None
        if self._slots is not None:
            self._slots.release()
            self._slots = None


def _head(where: Target, headers: Mapping[str, str], length: int) -> bytes:
    first = [f"POST {where.path} HTTP/1.1", f"Host: {where.authority}", f"Content-Length: {length}"]
    lines = [f"{name}: {value}" for name, value in complete(headers).items()]
    return "\r\n".join([*first, *lines, "", ""]).encode("ascii")
