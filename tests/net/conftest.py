"""Both clients behind one function: what holds for one holds for the other."""

from __future__ import annotations

import asyncio
import gc
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from upstream.calls import KEY

from flask_aiagents.net.client import Client
from flask_aiagents.net.errors import NetError
from flask_aiagents.net.limits import Limits
from flask_aiagents.net.sync_client import SyncClient

HEADERS = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
BODY = b'{"messages": [{"role": "user", "content": "Hello"}], "model": "m"}'
STREAM = BODY[:-1] + b', "stream": true}'
HERE = ("127.0.0.1",)


@dataclass
class Answer:
    """What a request brought: an answer, or an error and the part of the body that came before it."""

    status: int = 0
    headers: Mapping[str, str] | None = None
    body: bytes = b""
    error: NetError | None = None


Ask = Callable[..., Answer]


def caught(answer: Answer, error: NetError) -> Answer:
    """Note an error; no key is in it or in what led to it."""
    assert KEY not in "".join(traceback.format_exception(error))
    assert error.__context__ is None or KEY not in repr(error.__context__)
    answer.error = error
    return answer


async def fetch(client: Client, url: str, body: bytes = BODY, **options: Any) -> Answer:
    """Ask on a loop."""
    answer = Answer()
    try:
        async with client.post(url, options.pop("headers", HEADERS), body, **_options(options)) as response:
            answer.status, answer.headers = response.status, response.headers
            async for part in response:
                answer.body += part
    except NetError as error:
        return caught(answer, error)
    return answer


def fetch_here(client: SyncClient, url: str, body: bytes = BODY, **options: Any) -> Answer:
    """Ask in this thread."""
    answer = Answer()
    try:
        with client.post(url, options.pop("headers", HEADERS), body, **_options(options)) as response:
            answer.status, answer.headers = response.status, response.headers
            for part in response:
                answer.body += part
    except NetError as error:
        return caught(answer, error)
    return answer


def _options(options: dict[str, Any]) -> dict[str, Any]:
    limits = {name: options.pop(name) for name in list(options) if name in Limits.__dataclass_fields__}
    return {"limits": Limits(**{"total_s": 20.0, **limits}), "allowed_hosts": HERE, **options}


@pytest.fixture(params=["loop", "thread"])
def ask(request: pytest.FixtureRequest) -> Iterator[Ask]:
    """``ask(url, body, first_byte_s=1, tenant="acme")``, with either client."""
    if request.param == "loop":
        with asyncio.Runner() as runner:
            client = Client()
            yield lambda url, *args, **options: runner.run(fetch(client, url, *args, **options))
            runner.run(client.close())
    else:
        client = SyncClient()
        yield lambda url, *args, **options: fetch_here(client, url, *args, **options)
        client.close()


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_left_open() -> Iterator[None]:
    """An unclosed socket warns when it is collected, which fails the test."""
    yield
    gc.collect()
