"""Connections: how many, how long they are kept, and that none is left open."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import resource
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from net.conftest import STREAM, Answer, fetch, fetch_here
from upstream import Upstream, endless_stream, hang, headers_only, say, stall
from upstream.server import Exchange

from flask_aiagents.net import pools, sync_client
from flask_aiagents.net.client import Client
from flask_aiagents.net.errors import TimedOut
from flask_aiagents.net.limits import MAX_PART_BYTES, Limits
from flask_aiagents.net.sync_client import SyncClient

SLOWLY = 0.25
IDLE: dict[str, Any] = {"limits": Limits(idle_s=0.2, total_s=30), "allowed_hosts": ("127.0.0.1",)}
"""An idle limit that is shorter than what a slow reader takes for a part."""


async def _until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def test_a_tenant_has_so_many_connections_to_an_origin(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those above wait within their connect limit; other tenants are not in that line."""
    monkeypatch.setattr(pools, "MAX_CONNECTIONS", 2)
    upstream.script(hang(), hang())

    async def main() -> list[Answer]:
        client = Client()
        held = [asyncio.create_task(fetch(client, upstream.base_url, tenant="acme")) for _ in range(2)]
        await _until(lambda: len(upstream.requests) == 2)
        answers = [
            await fetch(client, upstream.base_url, tenant="acme", connect_s=0.1),
            await fetch(client, upstream.base_url, tenant="umbrella", connect_s=5.0),
        ]
        held.pop().cancel()
        answers.append(await fetch(client, upstream.base_url, tenant="acme", connect_s=5.0))
        held.pop().cancel()
        await client.close()
        return answers

    third, other, later = asyncio.run(main())
    assert isinstance(third.error, TimedOut)
    assert third.error.limit == "connect"
    assert (other.status, later.status) == (200, 200)


def test_so_has_it_in_threads(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for requests in threads of their own."""
    monkeypatch.setattr(sync_client, "MAX_CONNECTIONS", 2)
    client = SyncClient()
    release = threading.Event()

    def held(exchange: Exchange) -> None:
        release.wait(20)
        exchange.whole(b"{}")

    upstream.script(held, held)
    with ThreadPoolExecutor(2) as pool:
        first = [pool.submit(fetch_here, client, upstream.base_url, tenant="acme") for _ in range(2)]
        asyncio.run(_until(lambda: len(upstream.requests) == 2))
        third = fetch_here(client, upstream.base_url, tenant="acme", connect_s=0.1)
        other = fetch_here(client, upstream.base_url, tenant="umbrella", connect_s=5.0)
        release.set()
        assert {one.result().status for one in first} == {200}
    assert isinstance(third.error, TimedOut)
    assert other.status == 200
    assert fetch_here(client, upstream.base_url, tenant="acme", connect_s=5.0).status == 200
    client.close()


def test_threads_share_connections_but_never_at_once(upstream: Upstream) -> None:
    """Each of many threads gets the answer to its own request."""
    upstream.answer(lambda request: request.prompt)
    client = SyncClient()

    def one(n: int) -> bool:
        body = b'{"messages": [{"role": "user", "content": "number %d."}], "model": "m"}' % n
        return b"number %d." % n in fetch_here(client, f"{upstream.base_url}/chat/completions", body).body

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(one, range(300)))
    assert len({request.peer for request in upstream.requests}) <= 16
    client.close()


@pytest.mark.parametrize("behaviour", [hang(), headers_only(), stall(), endless_stream()])
def test_a_request_that_is_cancelled_leaves_nothing_open(upstream: Upstream, behaviour: Any) -> None:
    """Cancelled wherever it is, a request is hung up on; an unclosed socket would warn, and fail this test."""
    upstream.behave(behaviour)

    async def main() -> None:
        client = Client()
        tasks = [asyncio.create_task(fetch(client, upstream.base_url, STREAM)) for _ in range(10)]
        await _until(lambda: len(upstream.requests) == 10)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert upstream.wait_closed()
        await client.close()

    asyncio.run(main())
    gc.collect()


def test_a_request_that_is_cancelled_while_it_connects_leaves_nothing_open(upstream: Upstream) -> None:
    """The same at any moment of the connection, also when it stands in that very instant."""

    async def main() -> None:
        client = Client()
        for steps in range(40):
            task = asyncio.create_task(fetch(client, upstream.base_url))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert (await fetch(client, upstream.base_url)).status == 200
        await client.close()

    asyncio.run(main())
    gc.collect()


@pytest.mark.requirement("F14")
def test_a_slow_reader_costs_bounded_memory(upstream: Upstream) -> None:
    """While its reader is not ready, a stream is not read further than a buffer holds."""
    sent = [0] * 20
    word, numbers = b"x" * 10_000, itertools.count()

    def behave(exchange: Exchange) -> None:
        index = next(numbers)
        exchange.send(exchange.head(transfer_encoding="chunked"))
        while True:
            exchange.chunk(word)
            sent[index] += len(word)

    upstream.behave(behave)
    read = [0] * 20

    async def main() -> None:
        client = Client()
        never = asyncio.Event()

        async def stream(index: int) -> None:
            options: dict[str, Any] = {"limits": Limits(max_response_bytes=10**9), "allowed_hosts": ("127.0.0.1",)}
            async with client.post(upstream.base_url, {}, STREAM, ready=never.wait, **options) as response:
                async for part in response:
                    read[index] += len(part)

        tasks = [asyncio.create_task(stream(index)) for index in range(20)]
        await _until(lambda: all(read))
        before: list[int] = []
        while before != sent:  # until no server gets rid of any more
            before = list(sent)
            await asyncio.sleep(0.5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.close()

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    asyncio.run(main())
    assert max(read) <= MAX_PART_BYTES
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 50_000


@pytest.mark.parametrize("asked", [False, True], ids=["reads slowly", "is not ready"])
def test_time_in_which_the_reader_does_not_wait_is_not_idle(upstream: Upstream, asked: bool) -> None:
    """A slow reader does not make a quick server look slow."""
    upstream.answer("one two three four", delay=0.01)

    async def main() -> int:
        client, parts = Client(), 0

        async def ready() -> None:
            await asyncio.sleep(SLOWLY)

        options: dict[str, Any] = {"ready": ready if asked else None, **IDLE}
        async with client.post(upstream.base_url, {}, STREAM, **options) as response:
            async for _ in response:
                parts += 1
                await asyncio.sleep(0 if asked else SLOWLY)
        await client.close()
        return parts

    assert asyncio.run(main()) > 1


def test_time_in_which_a_thread_does_not_read_is_not_idle(upstream: Upstream) -> None:
    """The client for threads gives a slow reader as much time."""
    upstream.answer("one two three four", delay=0.01)
    client, parts = SyncClient(), 0
    with client.post(upstream.base_url, {}, STREAM, **IDLE) as response:
        for _ in response:
            parts += 1
            time.sleep(SLOWLY)
    client.close()
    assert parts > 1


def test_a_reader_that_leaves_at_the_end_of_a_message_keeps_the_connection(upstream: Upstream) -> None:
    """After the last event the end of the body is read; a body that goes on is hung up on."""
    upstream.script(say(), say(), endless_stream(), say())

    async def main() -> None:
        client = Client()
        for word in (b"[DONE]", b"[DONE]", b"data:", b"[DONE]"):
            options: dict[str, Any] = {"limits": Limits(total_s=30), "allowed_hosts": ("127.0.0.1",)}
            async with client.post(f"{upstream.base_url}/chat/completions", {}, STREAM, **options) as response:
                text = b""
                async for part in response:
                    text += part
                    if word in text:
                        break
        await client.close()

    asyncio.run(main())
    peers = [request.peer for request in upstream.requests]
    assert peers[0] == peers[1] == peers[2] != peers[3]


def test_a_forked_process_uses_connections_of_its_own(upstream: Upstream) -> None:
    """Two processes on one connection would read each other's answers."""
    client = SyncClient()
    assert fetch_here(client, upstream.base_url).status == 200
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of the server are no part of the child
        child = os.fork()
    if child == 0:
        os._exit(0 if fetch_here(client, upstream.base_url).status == 200 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert fetch_here(client, upstream.base_url).status == 200
    first, forked, last = (request.peer for request in upstream.requests)
    assert first == last != forked
    client.close()
