"""Blocking connections to judged addresses, kept for the next request of any thread."""

from __future__ import annotations

import os
import select
import socket
import ssl
import threading
import time
from collections import deque
from functools import cache

from .errors import ConnectFailed
from .limits import KEEP_ALIVE_S, Clock
from .request import Place
from .resolver import resolver

MAX_IDLE = 64
"""Idle connections that are kept for one place."""


class Sockets:
    """Idle connections of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._idle: dict[Place, deque[tuple[socket.socket, float]]] = {}
        self._swept = time.monotonic()

    def take(self, place: Place) -> socket.socket | None:
        """Return an idle connection that still stands."""
        while True:
            with self._lock:
                if self._pid != os.getpid():  # a connection that two processes use gives one the other's answer
                    self._pid, self._idle = os.getpid(), {}
                if not (kept := self._idle.get(place)):
                    return None
                sock, since = kept.pop()
            if time.monotonic() - since < KEEP_ALIVE_S and not _is_readable(sock):
                return sock
            sock.close()

    def give_back(self, place: Place, sock: socket.socket) -> None:
        """Keep a connection whose answer is complete."""
        now = time.monotonic()
        with self._lock:
            kept = self._idle.setdefault(place, deque())
            kept.append((sock, now))
            surplus = [kept.popleft()[0]] if len(kept) > MAX_IDLE else []
            if now - self._swept > KEEP_ALIVE_S:
                self._swept = now
                surplus += self._sweep(now - KEEP_ALIVE_S)
        for old in surplus:
            old.close()

    def close(self) -> None:
        """Close all idle connections."""
        with self._lock:
            surplus = self._sweep(float("inf"))
        for old in surplus:
            old.close()

    def _sweep(self, before: float) -> list[socket.socket]:
        old: list[socket.socket] = []
        for place, kept in list(self._idle.items()):
            while kept and kept[0][1] <= before:
                old.append(kept.popleft()[0])
            if not kept:
                del self._idle[place]
        return old


def connect(place: Place, tenant: str | None, clock: Clock) -> socket.socket:
    """Connect to one of the addresses of a host, after judging all of them.

    :raises AddressRefused: when one is not public and the host is not admitted.
    :raises TimeoutError: at the connect limit.
    """
    try:
        found = resolver.resolve_within(
            clock.left(), place.host, place.port, tenant=tenant, admitted=place.admitted
        )
    except TimeoutError:
        raise
    except OSError:
        raise ConnectFailed("its name cannot be resolved") from None
    sock = _connected(found, place.port, clock)
    if not place.tls:
        return sock
    try:
        sock.settimeout(clock.left())
        return tls_context().wrap_socket(sock, server_hostname=place.host.rstrip("."))
    except TimeoutError:
        raise
    except (OSError, ValueError):
        raise ConnectFailed("its TLS certificate is not accepted") from None
    finally:
        sock.close()  # without effect when TLS has taken it over


def _connected(addresses: list[str], port: int, clock: Clock) -> socket.socket:
    for index, address in enumerate(addresses):
        left = clock.left()
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            # An equal share of the time for each address that remains, so that one that is deaf does not take all.
            sock.settimeout(left and left / (len(addresses) - index))
            sock.connect((address, port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        except TimeoutError:
            sock.close()
            if index == len(addresses) - 1:
                raise
        except OSError:
            sock.close()
    raise ConnectFailed("no connection can be made")


def _is_readable(sock: socket.socket) -> bool:
    """Return whether something came on an idle connection: its end, or what nobody asked for."""
    if isinstance(sock, ssl.SSLSocket) and sock.pending():
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


@cache
def tls_context() -> ssl.SSLContext:
    """Return the process's settings of TLS: the system's certificates, host names checked."""
    return ssl.create_default_context()
