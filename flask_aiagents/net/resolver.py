"""Name resolution that is bounded per call, per tenant and in all.

``getaddrinfo`` knows no timeout and cannot be stopped, so every look-up runs in a daemon thread, and callers wait
as long as their own limits say. A tenant whose names are slow to resolve fills its own few threads and waits in
its own line; look-ups that nobody waits for any more leave it. Calls of one tenant share the look-up of a name.

Nothing is cached: each new connection judges the addresses of that moment (:func:`.guard.judge`).
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from .guard import judge, literal

MAX_LOOKUPS = 64
"""Look-ups at once in the process, so also threads."""

MAX_LOOKUPS_PER_TENANT = 4
"""Look-ups at once for one tenant; more wait in its line."""

_Found: TypeAlias = "list[str] | OSError"
"""Addresses, or why there are none: an exception that is nobody's any more would be reported as lost."""


@dataclass(slots=True, eq=False)
class _Lookup:
    host: str
    port: int
    tenant: str | None
    future: Future[_Found] = field(default_factory=Future)
    waiters: int = 0


class Resolver:
    """Resolves names in threads. One for each process is enough: :data:`resolver`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lookups: dict[tuple[str | None, str, int], _Lookup] = {}
        self._line: list[_Lookup] = []
        self._running: Counter[str | None] = Counter()

    async def resolve(self, host: str, port: int, *, tenant: str | None, admitted: bool) -> list[str]:
        """Return the judged addresses of a host. Cancel it to stop waiting.

        :raises AddressRefused: when one of them is not public and the host is not admitted.
        :raises OSError: when the name cannot be resolved.
        """
        if (address := literal(host)) is not None:
            return judge(host, [address], admitted=admitted)
        with self._joined(host, port, tenant) as future:
            found = await asyncio.shield(asyncio.wrap_future(future))
        return _judged(host, found, admitted)

    def resolve_within(
        self, seconds: float | None, host: str, port: int, *, tenant: str | None, admitted: bool
    ) -> list[str]:
        """Return what :meth:`resolve` does, in a thread that may wait.

        :raises TimeoutError: when it takes longer.
        """
        if (address := literal(host)) is not None:
            return judge(host, [address], admitted=admitted)
        with self._joined(host, port, tenant) as future:
            found = future.result(seconds)
        return _judged(host, found, admitted)

    @contextmanager
    def _joined(self, host: str, port: int, tenant: str | None) -> Iterator[Future[_Found]]:
        """Wait for a look-up together with all calls of the tenant that need the same name."""
        key = (tenant, host, port)
        with self._lock:
            if (lookup := self._lookups.get(key)) is None:
                lookup = self._lookups[key] = _Lookup(host, port, tenant)
                self._line.append(lookup)
            lookup.waiters += 1
        try:
            with self._lock:
                self._start_next()
            yield lookup.future
        finally:
            with self._lock:
                lookup.waiters -= 1
                if not lookup.waiters and lookup in self._line:
                    self._line.remove(lookup)
                    self._forget(lookup)

    def _start_next(self) -> None:
        """Start whatever the limits admit; called with the lock held."""
        for lookup in list(self._line):
            if self._running.total() >= MAX_LOOKUPS:
                return
            if self._running[lookup.tenant] < MAX_LOOKUPS_PER_TENANT:
                _start_thread(self._run, lookup)
                self._line.remove(lookup)
                self._running[lookup.tenant] += 1

    def _run(self, lookup: _Lookup) -> None:
        lookup.future.set_result(_addresses(lookup.host, lookup.port))
        with self._lock:
            self._forget(lookup)
            self._running[lookup.tenant] -= 1
            if not self._running[lookup.tenant]:
                del self._running[lookup.tenant]
            self._start_next()

    def _forget(self, lookup: _Lookup) -> None:
        """Let the next call begin a look-up of its own."""
        del self._lookups[lookup.tenant, lookup.host, lookup.port]


def _start_thread(run: Callable[[_Lookup], None], lookup: _Lookup) -> None:
    try:
        threading.Thread(target=run, args=(lookup,), name="aiagents-lookup", daemon=True).start()
    except RuntimeError as error:
        raise OSError("no thread can be started") from error


def _addresses(host: str, port: int) -> _Found:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return error
    except UnicodeError:  # labels that are empty or longer than 63 characters
        return OSError(f"{host} is not a host name")
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def _judged(host: str, found: _Found, admitted: bool) -> list[str]:
    if isinstance(found, OSError):
        raise OSError(str(found))  # a new one: several calls may raise the same
    return judge(host, found, admitted=admitted)


resolver = Resolver()
"""The process's resolver."""

os.register_at_fork(after_in_child=resolver.__init__)
