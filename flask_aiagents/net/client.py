"""HTTP requests on an event loop: checked addresses, no redirects, no proxies, limits that fire, bounded bodies.

::

    async with client.post(url, headers, body, limits=Limits(first_byte_s=60), tenant="acme") as response:
        if response.status == 200:
            async for part in response:
                ...

Importing this module imports aiohttp, so import it where the first request is made. One :class:`Client` belongs
to one event loop; close it before the loop ends.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import TracebackType
from typing import TypeAlias

import aiohttp
from yarl import URL

from .errors import Broken, Compressed, ConnectFailed, NetError, TooLarge, Unsendable
from .guard import judge, literal
from .limits import MAX_PART_BYTES, Clock, Limits
from .pools import CONNECTING, Pools
from .request import complete, target

Ready: TypeAlias = Callable[[], Awaitable[object]]
"""Waits until whoever reads the answer has room for more."""

DRAIN_S = 0.05
"""A reader that leaves at the end of a message, before that of the body, waits this long for it. In time: the
connection is kept; else it is closed."""

_LARGE_BODY_BYTES = 1_048_576
"""Larger ones are sent in pieces: aiohttp warns of them otherwise."""


class Client:
    """Sends requests over one pair of pools."""

    def __init__(self) -> None:
        self._pools = Pools()

    def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        limits: Limits,
        allowed_hosts: Iterable[str] = (),
        tenant: str | None = None,
        ready: Ready | None = None,
    ) -> Response:
        """Return a request that is sent when its context is entered.

        :param allowed_hosts: hosts that may be reached although their addresses are not public.
        :param tenant: who counts for the limits of connections and look-ups; None is the installation itself.
        :param ready: awaited before each part but the first; no more is read meanwhile than a buffer holds.
        """
        return Response(self._pools, url, headers, body, limits, tuple(allowed_hosts), tenant, ready)

    async def close(self) -> None:
        """Close all connections."""
        await self._pools.close()


class Response:
    """One request and its answer: a context manager, and an iterator over the parts of the body."""

    status = 0
    headers: dict[str, str]
    """Names are in lower case."""

    def __init__(
        self,
        pools: Pools,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        limits: Limits,
        allowed_hosts: tuple[str, ...],
        tenant: str | None,
        ready: Ready | None,
    ) -> None:
        self._pools = pools
        self._request = (url, headers, body)
        self._limits = limits
        self._allowed_hosts = allowed_hosts
        self.tenant = tenant
        self._ready = ready
        self._slots: asyncio.Semaphore | None = None
        self._inner: aiohttp.ClientResponse | None = None
        self._connected = False
        self._received = 0

    async def __aenter__(self) -> Response:
        self._clock = Clock(self._limits, _now())
        CONNECTING.set(self)
        failure: NetError | None = None
        try:
            await self._send()
        except TimeoutError:
            failure = self._clock.timed_out()
        except (aiohttp.ClientError, OSError, ValueError, TypeError) as error:
            failure = _failure(error, self._connected)
        finally:
            if not self.status:
                self._release()
        if failure:  # raised here, where the library's exception is no longer its context
            raise failure
        return self

    async def _send(self) -> None:
        url, headers, body = self._request
        place = target(url, self._allowed_hosts).place
        if (address := literal(place.host)) is not None:
            judge(place.host, [address], admitted=place.admitted)  # aiohttp asks no resolver about literals
        if (parsed := URL(url, encoded=True)).raw_host != place.host:
            raise Unsendable("the host of the URL can be read in two ways")
        async with asyncio.timeout_at(self._clock.deadline) as self._timer:
            slots = self._pools.slots(self.tenant, place)
            await slots.acquire()
            self._slots = slots
            inner = await self._pools.session(place.admitted).post(
                parsed,
                data=body if len(body) <= _LARGE_BODY_BYTES else io.BytesIO(body),
                headers=complete(headers),
                allow_redirects=False,
            )
        self._inner = inner
        if inner.status == 101:
            raise Broken("the protocol is changed", answered=True)
        self.status = inner.status
        self.headers = {name.lower(): value for name, value in inner.headers.items()}

    def connected(self) -> None:
        """Restart the clock: the time for the first byte begins when the connection stands."""
        self._connected = True
        self._clock.begin("first_byte", _now())
        if not self._timer.expired():
            self._timer.reschedule(self._clock.deadline)

    def __aiter__(self) -> Response:
        return self

    async def __anext__(self) -> bytes:
        if self._received:
            if self._ready is not None:
                await self._ready()
            self._clock.begin("idle", _now())
        if self.headers.get("content-encoding", "identity").lower() != "identity":
            raise Compressed("the body is compressed")
        if not (part := await self._part()):
            raise StopAsyncIteration
        self._received += len(part)
        if self._received > self._limits.max_response_bytes:
            raise TooLarge(f"the body is larger than {self._limits.max_response_bytes} bytes")
        return part

    async def _part(self) -> bytes:
        content = self._content
        failure: NetError | None = None
        try:
            if content.exception() is None:
                if (part := content.read_nowait(MAX_PART_BYTES)) or content.at_eof():
                    return part
                async with asyncio.timeout_at(self._clock.deadline):
                    return await content.read(MAX_PART_BYTES)
        except TimeoutError:
            failure = self._clock.timed_out()
        except (aiohttp.ClientError, OSError):
            pass
        if failure:
            raise failure
        # The public methods raise at once when the connection broke, even with parts that came before.
        if part := content._read_nowait(MAX_PART_BYTES):
            return part
        raise Broken("the connection ended in the middle of the body", answered=True)

    @property
    def _content(self) -> aiohttp.StreamReader:
        assert self._inner is not None, "the request was not sent: use `async with`"  # noqa: S101  # for types
        return self._inner.content

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self._drain()
        finally:
            self._release()

    async def _drain(self) -> None:
        """Read the end of a body that is complete, so that its connection can be used again."""
        content = self._content
        try:
            if not content.at_eof():
                async with asyncio.timeout(DRAIN_S):
                    await content.read(MAX_PART_BYTES)
        except (TimeoutError, aiohttp.ClientError, OSError):
            pass  # closed, then

    def _release(self) -> None:
        if self._inner is not None:
            self._inner.close()  # without effect at the end of a body, when the pool has the connection
        if self._slots is not None:
            self._slots.release()
            self._slots = None


def _failure(error: Exception, connected: bool) -> NetError:
    """Say what happened in words of ours."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return ConnectFailed("its name cannot be resolved")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return ConnectFailed("its TLS certificate is not accepted")
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError() | ValueError() | TypeError():
            return Unsendable("URL or headers hold what HTTP cannot carry")
        case aiohttp.ClientResponseError():
            return Broken("what came is not HTTP", answered=True)
    if connected:
        return Broken("the connection ended before an answer", answered=False)
    return ConnectFailed("no connection can be made")


def _now() -> float:
    return asyncio.get_running_loop().time()
