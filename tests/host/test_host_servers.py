"""Servers whose adapters never report a reader that left are named, by the first execution and by the doctor."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import sys
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from asgiref.wsgi import WsgiToAsgi
from flask import Flask
from hypercorn.app_wrappers import WSGIWrapper
from support.cast import Clients, make_agent

from flask_aiagents.web import servers

ASGI = Callable[[Any, Any, Any], Any]


def a2wsgi(app: Flask) -> ASGI:
    from a2wsgi import WSGIMiddleware

    return WSGIMiddleware(app)  # pyright: ignore[reportArgumentType, reportReturnType]


def hypercorn(app: Flask) -> ASGI:
    wrapper = WSGIWrapper(app, 2**20)  # pyright: ignore[reportArgumentType]

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        loop = asyncio.get_running_loop()

        def call_soon(function: Any, *args: Any) -> Any:
            return asyncio.run_coroutine_threadsafe(function(*args), loop).result()

        await wrapper(scope, receive, send, functools.partial(loop.run_in_executor, None), call_soon)

    return asgi


def asgiref(app: Flask) -> ASGI:
    return WsgiToAsgi(app)  # pyright: ignore[reportArgumentType]


def ask(asgi: ASGI, path: str, body: bytes, key: str) -> tuple[int, bytes]:
    """A POST as an ASGI server hands it on."""
    headers = [(b"x-api-key", key.encode()), (b"content-type", b"application/json"), (b"host", b"localhost")]
    headers.append((b"content-length", str(len(body)).encode()))
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers,
        "server": ("localhost", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    sent: list[dict[str, Any]] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return waiting.pop() if waiting else await asyncio.Future()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(asgi(scope, receive, send))
    status = next(one["status"] for one in sent if "status" in one)
    return status, b"".join(one.get("body", b"") for one in sent)


@pytest.mark.parametrize("serve", [a2wsgi, hypercorn, asgiref])
def test_the_first_execution_behind_an_adapter_warns_once(
    host: Flask, clients: Clients, serve: Callable[[Flask], ASGI], caplog: pytest.LogCaptureFixture
) -> None:
    """Executions work, and one warning names the adapter and the servers to use."""
    agent = make_agent(clients.alice)
    key = clients.alice.post("/api/ai_agent_api_keys", json={"name": "ci"}).json["token"]
    path = f"/api/ai_agents/{agent['id']}/execute"
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            status, answer = ask(serve(host), path, json.dumps({"input": "Hello!"}).encode(), key)
            assert status == 200, answer
    warnings = [
        record.getMessage() for record in caplog.records if "does not report readers" in record.getMessage()
    ]
    assert len(warnings) == 1
    assert serve.__name__ in warnings[0]
    assert "gthread" in warnings[0]


def test_a_wsgi_server_is_not_warned_of(host: Flask, clients: Clients, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is logged where the server calls the app itself."""
    agent = make_agent(clients.alice)
    with caplog.at_level(logging.WARNING):
        clients.alice.post(f"/api/ai_agents/{agent['id']}/execute", json={"input": "hi"})
    assert "does not report readers" not in caplog.text


@pytest.mark.parametrize(
    ("environ", "hidden", "named"),
    [
        ({"GUNICORN_CMD_ARGS": "-k uvicorn.workers.UvicornWorker"}, (), "uvicorn"),
        ({}, (), None),
        ({}, servers.WSGI_SERVERS, "a2wsgi"),
        ({}, (*servers.WSGI_SERVERS, "a2wsgi"), "hypercorn"),
        ({}, (*servers.WSGI_SERVERS, *servers.ADAPTERS), None),
    ],
)
def test_the_doctor_names_adapters(
    host: Flask,
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
    hidden: tuple[str, ...],
    named: str | None,
) -> None:
    """It advises where gunicorn is told to use one, or where one is installed and no WSGI server."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    uninstalled = dict.fromkeys(hidden)
    with mock.patch.dict(sys.modules, uninstalled):  # as if they were not installed
        output = host.test_cli_runner().invoke(args=["aiagents", "doctor"]).output
    assert ("through an adapter" in output) is (named is not None)
    if named:
        assert f"{named} serves a WSGI app" in output
