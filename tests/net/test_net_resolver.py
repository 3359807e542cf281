"""Name resolution: bounded for each request and each tenant."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from net.conftest import Answer, Ask, fetch, fetch_here
from upstream import Upstream

from flask_aiagents.net.client import Client
from flask_aiagents.net.errors import ConnectFailed, TimedOut
from flask_aiagents.net.resolver import MAX_LOOKUPS_PER_TENANT
from flask_aiagents.net.sync_client import SyncClient

SLOW = 40


@pytest.fixture
def slow_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[str], Callable[[], None]]]:
    """Names that begin with ``slow`` are not answered until that is asked for; returns what was looked up."""
    real, asked, answered = socket.getaddrinfo, [], threading.Event()

    def resolve(host: str, *args: Any, **options: Any) -> Any:
        if not host.endswith(".example"):
            return real(host, *args, **options)
        asked.append(host)
        if host.startswith("slow"):
            answered.wait(60)
        return real("127.0.0.1", *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    yield asked, answered.set
    answered.set()
    for thread in lookups():
        thread.join(10)


def lookups() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "aiagents-lookup"]


async def _loop_slow_and_other(upstream: Upstream) -> tuple[list[Answer], Answer]:
    client = Client()
    slow = [
        asyncio.create_task(fetch(client, f"http://slow{n}.example/", connect_s=2.0, tenant="noisy"))
        for n in range(SLOW)
    ]
    await asyncio.sleep(0)
    url = f"http://quick.example:{upstream.port}/v1"
    other = await fetch(client, url, allowed_hosts=("quick.example",), connect_s=1.9, tenant="quiet")
    assert len(lookups()) <= MAX_LOOKUPS_PER_TENANT + 1
    answers = await asyncio.gather(*slow)
    await client.close()
    return answers, other


def _threads_slow_and_other(upstream: Upstream) -> tuple[list[Answer], Answer]:
    client = SyncClient()
    with ThreadPoolExecutor(SLOW) as pool:
        slow = [
            pool.submit(fetch_here, client, f"http://slow{n}.example/", connect_s=2.0, tenant="noisy")
            for n in range(SLOW)
        ]
        url = f"http://quick.example:{upstream.port}/v1"
        other = fetch_here(client, url, allowed_hosts=("quick.example",), connect_s=1.9, tenant="quiet")
        assert len(lookups()) <= MAX_LOOKUPS_PER_TENANT + 1
        answers = [one.result() for one in slow]
    client.close()
    return answers, other


@pytest.mark.requirement("R48")
@pytest.mark.parametrize("where", ["loop", "thread"])
def test_slow_names_of_one_tenant_do_not_delay_another(
    upstream: Upstream, slow_names: tuple[list[str], Callable[[], None]], where: str
) -> None:
    """Forty look-ups that hang end at the limit of their requests, and another tenant's is not behind them."""
    slow, other = (
        asyncio.run(_loop_slow_and_other(upstream)) if where == "loop" else _threads_slow_and_other(upstream)
    )
    assert other.status == 200
    assert {answer.error.limit for answer in slow if isinstance(answer.error, TimedOut)} == {"connect"}
    assert len(slow) == SLOW


@pytest.mark.requirement("R48")
def test_look_ups_that_nobody_waits_for_leave_the_line(
    ask: Ask, upstream: Upstream, slow_names: tuple[list[str], Callable[[], None]]
) -> None:
    """When its slow names are answered at last, a tenant's next one is not behind those that were given up."""
    asked, answer = slow_names
    for n in range(MAX_LOOKUPS_PER_TENANT + 3):
        assert isinstance(ask(f"http://slow{n}.example/", connect_s=0.1, tenant="noisy").error, TimedOut)
    answer()
    url = f"http://quick.example:{upstream.port}/v1"
    assert ask(url, allowed_hosts=("quick.example",), tenant="noisy").status == 200
    assert asked == [f"slow{n}.example" for n in range(MAX_LOOKUPS_PER_TENANT)] + ["quick.example"]


def test_requests_of_a_tenant_share_the_look_up_of_a_name(
    upstream: Upstream, slow_names: tuple[list[str], Callable[[], None]]
) -> None:
    """Many requests that begin at once need one look-up; one that gives up takes it from nobody."""
    asked, answer = slow_names
    url = f"http://slow.example:{upstream.port}/v1"

    async def main() -> list[Answer]:
        client = Client()
        hasty = asyncio.create_task(fetch(client, url, connect_s=0.05, tenant="acme"))
        many = [
            asyncio.create_task(fetch(client, url, allowed_hosts=("slow.example",), tenant="acme"))
            for _ in range(20)
        ]
        assert isinstance((await hasty).error, TimedOut)
        answer()
        answers = await asyncio.gather(*many)
        await client.close()
        return answers

    assert {one.status for one in asyncio.run(main())} == {200}
    assert asked == ["slow.example"]


def test_a_name_that_cannot_be_resolved_fails_for_everybody_who_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error goes to each request that shares a look-up, and the next request looks again."""
    asked: list[str] = []

    def resolve(host: str, *args: Any, **options: Any) -> Any:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    async def main() -> list[Answer]:
        client = Client()
        answers = await asyncio.gather(*(fetch(client, "http://gone.example/") for _ in range(5)))
        answers.append(await fetch(client, "http://gone.example/"))
        await client.close()
        return answers

    assert all(isinstance(one.error, ConnectFailed) for one in asyncio.run(main()))
    assert 2 <= len(asked) <= 6
