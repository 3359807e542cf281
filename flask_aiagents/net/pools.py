"""Connections of one event loop, kept for the next request, with limits for each tenant and origin.

Pools serve all tenants: a connection carries one request at a time and nothing of it remains. There are two, since
a connection to a host that the operator admits must not serve an app that does not admit it.
"""

from __future__ import annotations

import asyncio
import socket
from contextvars import ContextVar
from typing import Any, Protocol, TypeAlias
from weakref import WeakValueDictionary

import aiohttp
import aiohttp.abc

from .limits import KEEP_ALIVE_S, MAX_CONNECTIONS
from .request import Place
from .resolver import resolver
from .sockets import tls_context

_NO_TIMEOUTS = aiohttp.ClientTimeout(total=None, connect=None, sock_read=None, sock_connect=None)
_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
"""Headers that aiohttp adds by itself unless told not to."""

_Owner: TypeAlias = "tuple[str | None, Place]"


class Connecting(Protocol):
    """A request that needs a connection."""

    tenant: str | None

    def connected(self) -> None:
        """Note that the connection stands."""
        ...


CONNECTING: ContextVar[Connecting] = ContextVar("aiagents_connecting")
"""The request that the running task makes: aiohttp asks for addresses without saying for whom."""


class Pools:
    """Connections and their limits. Made anywhere, used on one event loop."""

    def __init__(self) -> None:
        self._tls = tls_context()
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._slots: WeakValueDictionary[_Owner, asyncio.Semaphore] = WeakValueDictionary()

    def slots(self, tenant: str | None, place: Place) -> asyncio.Semaphore:
        """Return the tenant's connections to a place, to acquire one."""
        if (slots := self._slots.get((tenant, place))) is None:
            slots = self._slots[tenant, place] = asyncio.Semaphore(MAX_CONNECTIONS)
        return slots

    def session(self, admitted: bool) -> aiohttp.ClientSession:
        """Return the pool for hosts that are admitted, or for those that are not."""
        if admitted not in self._sessions:
            self._sessions[admitted] = aiohttp.ClientSession(
                connector=_Connector(
                    resolver=_Resolver(admitted),
                    use_dns_cache=False,  # every new connection is judged
                    ssl=self._tls,
                    limit=0,  # slots are the limit
                    keepalive_timeout=KEEP_ALIVE_S,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                timeout=_NO_TIMEOUTS,
                skip_auto_headers=_ADDED,
            )
        return self._sessions[admitted]

    async def close(self) -> None:
        """Close all connections."""
        while self._sessions:
            await self._sessions.popitem()[1].close()


class _Connector(aiohttp.TCPConnector):
    """Tells a request when its connection stands, whether new or kept."""

    async def connect(self, *args: Any, **options: Any) -> Any:
        connection = await super().connect(*args, **options)
        CONNECTING.get().connected()
        return connection


class _Resolver(aiohttp.abc.AbstractResolver):
    """Gives aiohttp the judged addresses to connect to; TLS and Host keep the name."""

    def __init__(self, admitted: bool) -> None:
        self._admitted = admitted

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[aiohttp.abc.ResolveResult]:
        tenant = CONNECTING.get().tenant
        addresses = await resolver.resolve(host, port, tenant=tenant, admitted=self._admitted)
        return [_result(host, port, address) for address in addresses]

    async def close(self) -> None:
        """Nothing is held."""


def _result(host: str, port: int, address: str) -> aiohttp.abc.ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST
    return {"hostname": host, "host": address, "port": port, "family": family, "proto": 0, "flags": flags}
