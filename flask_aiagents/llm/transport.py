"""HTTP to providers: checked addresses, no redirects, no proxies, timeouts that fire, bounded answers."""

from __future__ import annotations

import asyncio
import email.utils
import ssl
import time
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import Any

import httpcore2
import httpx2

from ..net.errors import AddressRefused
from ..net.guard import is_allowed
from ..net.resolver import resolver
from .failures import Failure, from_status
from .wire import NO_KEY, WIRE, Wire

KEEP_ALIVE_CONNECTIONS = 64
"""Idle connections that are kept for the next call."""

KEEP_ALIVE_S = 15.0
"""Seconds that an idle connection is kept; shorter than what providers and their gateways keep."""

_CREDENTIALS = frozenset({b"authorization", b"x-api-key"})
_HEADERS = frozenset(
    (
        b"host connection accept accept-encoding content-type content-length transfer-encoding user-agent"
        b" anthropic-version anthropic-beta"
    ).split()
)


class _CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to the very addresses that were judged; TLS and Host keep the name."""

    def __init__(self, allowed_hosts: Iterable[str]) -> None:
        self._allowed_hosts = tuple(allowed_hosts)
        self._inner: Any = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        wire = WIRE.get()
        try:
            async with asyncio.timeout(wire.limits.connect_s):
                stream = await self._connect(host, port, local_address, socket_options)
        except TimeoutError:
            did = f"could not be connected to within {wire.limits.connect_s:g} s"
            raise _failed(wire, Failure(error="connection", did=did, retryable=True, free=True)) from None
        wire.connected()
        return stream

    async def _connect(self, host: str, port: int, *options: Any) -> httpcore2.AsyncNetworkStream:
        last: Exception | None = None
        admitted = is_allowed(host, self._allowed_hosts)
        for address in await resolver.resolve(host, port, tenant=None, admitted=admitted):
            connecting = asyncio.ensure_future(self._inner.connect_tcp(address, port, None, *options))
            try:
                return await asyncio.shield(connecting)
            except asyncio.CancelledError:
                # Connected in the same instant, it would be nobody's: whoever gives up closes it.
                connecting.add_done_callback(_close_unwanted)
                raise
            except (OSError, httpcore2.NetworkError) as error:
                last = error
        raise last or OSError("no address")


class _Pool(httpcore2.AsyncConnectionPool):
    """A pool that finishes closing connections also when the call that does it is cancelled midway.

    httpcore shields that from anyio's cancellation; ours is asyncio's, which goes through.
    """

    async def _close_connections(self, closing: list[Any]) -> None:
        if closing:
            await asyncio.shield(_kept(super()._close_connections(closing)))


_tasks: set[asyncio.Future[Any]] = set()
"""The loop holds its tasks weakly; these are held until they are done."""


def _kept(work: Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
    task = asyncio.ensure_future(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task


def _close_unwanted(connecting: asyncio.Future[httpcore2.AsyncNetworkStream]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        _kept(connecting.result().aclose())


class _Body(httpx2.AsyncByteStream):
    """An answer's body, read no longer and no further than the limits allow.

    An iterator of its own and no generator: of generators that are left midway only the garbage collector knows.
    """

    def __init__(self, inner: Any, wire: Wire, deadline: float) -> None:
        self._inner = inner
        self._parts = aiter(inner)
        self._wire = wire
        self._deadline = deadline

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        wire = self._wire
        if wire.received and wire.ready is not None:
            await wire.ready()
            self._deadline = asyncio.get_running_loop().time() + wire.limits.idle_s
        try:
            async with asyncio.timeout_at(self._deadline):
                part = await anext(self._parts)
        except TimeoutError:
            raise _failed(wire, Failure(error="timeout", did=_fell_silent(wire))) from None
        except (OSError, httpcore2.NetworkError, httpcore2.ProtocolError):
            raise _failed(wire, Failure(error="connection", did="broke its answer off", retryable=True)) from None
        wire.received += len(part)
        if wire.received > wire.limits.max_response_bytes:
            raise _failed(
                wire, Failure(error="too_large", did=f"answered more than {wire.limits.max_response_bytes} bytes")
            )
        self._deadline = asyncio.get_running_loop().time() + wire.limits.idle_s
        return part

    async def aclose(self) -> None:
        await self._inner.aclose()


class Transport(httpx2.AsyncBaseTransport):
    """The one way out, over one connection pool."""

    def __init__(self, allowed_hosts: Iterable[str]) -> None:
        self._pool = _Pool(
            ssl_context=ssl.create_default_context(),
            max_connections=None,
            max_keepalive_connections=KEEP_ALIVE_CONNECTIONS,
            keepalive_expiry=KEEP_ALIVE_S,
            network_backend=_CheckedNetwork(allowed_hosts),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        wire = WIRE.get()
        started = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(wire.limits.connect_s + wire.limits.first_byte_s) as wire.waiting:
                wire.connected()
                response = await self._pool.handle_async_request(_bare(request, wire))
        except TimeoutError:
            raise _failed(wire, Failure(error="timeout", did=_fell_silent(wire))) from None
        except AddressRefused:
            did = "is at an address that is not allowed"
            raise _failed(wire, Failure(error="address_refused", did=did, free=True)) from None
        except (OSError, httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException):
            failure = Failure(error="connection", did="could not be reached", retryable=True, free=True)
            raise _failed(wire, failure) from None
        return await self._opened(response, wire, started + wire.limits.first_byte_s)

    async def _opened(self, response: httpcore2.Response, wire: Wire, deadline: float) -> httpx2.Response:
        headers = httpx2.Headers(response.headers)
        wire.status = response.status
        if response.status >= 300:
            # The body of a refusal may echo the key, so it is not even read.
            await response.aclose()
            raise _failed(wire, from_status(response.status, _seconds(headers.get("retry-after"))))
        if headers.get("content-encoding", "identity") != "identity":
            # We asked for none; decoding could blow a small answer up beyond all limits.
            await response.aclose()
            raise _failed(wire, Failure(error="invalid_response", did="compressed its answer unasked"))
        return httpx2.Response(
            status_code=response.status, headers=headers, stream=_Body(response.stream, wire, deadline)
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


def client(allowed_hosts: Iterable[str]) -> httpx2.AsyncClient:
    """An HTTP client over a pool of its own."""
    return httpx2.AsyncClient(
        transport=Transport(allowed_hosts),
        follow_redirects=False,
        trust_env=False,
        headers={"accept-encoding": "identity"},
        timeout=None,  # the transport has its own clock
    )


def _bare(request: httpx2.Request, wire: Wire) -> httpcore2.Request:
    url = request.url
    return httpcore2.Request(
        method=request.method,
        url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=[(name, value) for name, value in request.headers.raw if _may_go(name.lower(), value, wire.key)],
        content=request.stream,
        extensions={"timeout": {"connect": wire.limits.connect_s}},
    )


def _may_go(name: bytes, value: bytes, key: str | None) -> bool:
    """Whether a header is ours to send: SDKs add organisations and tokens out of the environment."""
    if name in _CREDENTIALS:
        return value.removeprefix(b"Bearer ") == (key or NO_KEY).encode()
    return name in _HEADERS


def _fell_silent(wire: Wire) -> str:
    if wire.received:
        return f"fell silent for {wire.limits.idle_s:g} s"
    return f"did not begin to answer within {wire.limits.first_byte_s:g} s"


def _seconds(retry_after: str | None) -> float | None:
    """``Retry-After`` in seconds, whether it was given as a number or as a date."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(int(retry_after)))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None


def _failed(wire: Wire, failure: Failure) -> httpx2.TransportError:
    """Note a failure and wrap it in what the SDKs expect of a transport."""
    wire.fail(failure)
    return httpx2.TransportError(str(failure))
