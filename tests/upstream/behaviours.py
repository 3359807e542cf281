"""How a provider answers, well or badly. Each function returns a behaviour for one request."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .protocols import Call, Request, Spoken, Tokens

if TYPE_CHECKING:
    from .server import Behaviour, Exchange

TEXT = "Hello from upstream."
USAGE = Tokens()


def say(
    text: str | Callable[[Request], str] = TEXT,
    *,
    usage: Tokens | dict[str, Any] | None = USAGE,
    finish: str | None = None,
    calls: tuple[Call, ...] = (),
    delay: float = 0,
) -> Behaviour:
    """Answer properly, in the protocol that was asked; ``delay`` in seconds before each streamed word.

    ``text`` may be a function of the request.
    """

    def behave(exchange: Exchange) -> None:
        spoken = _spoken(exchange, text, usage, finish or ("tool_calls" if calls else "stop"), calls)
        if exchange.request.stream:
            _stream(exchange, spoken, delay)
            exchange.send(b"0\r\n\r\n")
        else:
            if delay:
                exchange.wait(delay)
            body = json.dumps(exchange.request.protocol.whole(spoken)).encode()
            exchange.whole(body, content_type="application/json")

    return behave


def status(code: int, *, retry_after: str | int | None = None, body: str | None = None) -> Behaviour:
    """Refuse; by default with a body that echoes the key, as some providers do."""

    def behave(exchange: Exchange) -> None:
        headers = exchange.request.headers
        key = headers.get("authorization", headers.get("x-api-key", ""))
        text = body or json.dumps({"error": {"message": f"Incorrect API key provided: {key}", "type": "error"}})
        more: dict[str, str | int] = {} if retry_after is None else {"retry_after": retry_after}
        exchange.whole(text.encode(), code, content_type="application/json", **more)

    return behave


def redirect(url: str, code: int = 307) -> Behaviour:
    """Send the client elsewhere."""
    return lambda exchange: exchange.whole(b"", code, location=url)


def raw(body: bytes, *, content_type: str = "application/json", code: int = 200) -> Behaviour:
    """Answer with these bytes."""
    return lambda exchange: exchange.whole(body, code, content_type=content_type)


def hang() -> Behaviour:
    """Take the request and say nothing."""
    return lambda exchange: exchange.wait()


def headers_only() -> Behaviour:
    """Begin an answer and never send its body."""

    def behave(exchange: Exchange) -> None:
        exchange.send(exchange.head(content_type=_kind(exchange), content_length=1000))
        exchange.wait()

    return behave


def trickle(seconds: float = 1.0) -> Behaviour:
    """Send a proper answer one byte at a time."""

    def behave(exchange: Exchange) -> None:
        spoken = _spoken(exchange, "slow " * 1000, USAGE, "stop", ())
        protocol = exchange.request.protocol
        whole = json.dumps(protocol.whole(spoken)).encode()
        body = b"".join(protocol.events(spoken)) if exchange.request.stream else whole
        exchange.send(exchange.head(content_type=_kind(exchange), content_length=len(body)))
        for byte in body:
            exchange.send(bytes([byte]))
            exchange.wait(seconds)

    return behave


def stall(text: str = "Half of an") -> Behaviour:
    """Stream some words, then fall silent with the connection open."""

    def behave(exchange: Exchange) -> None:
        _stream(exchange, _spoken(exchange, text, None, None, ()))
        exchange.wait()

    return behave


def half_stream(text: str = "Half of an", *, clean: bool = True) -> Behaviour:
    """Stream some words, then end without a finish reason: cleanly, or by hanging up in mid-chunk."""

    def behave(exchange: Exchange) -> None:
        _stream(exchange, _spoken(exchange, text, None, None, ()))
        exchange.send(b"0\r\n\r\n" if clean else b"ff\r\ndata: ")
        exchange.keep_alive = False

    return behave


def truncated() -> Behaviour:
    """Promise more bytes than are sent, then hang up."""

    def behave(exchange: Exchange) -> None:
        body = json.dumps(exchange.request.protocol.whole(_spoken(exchange, "cut", USAGE, "stop", ()))).encode()
        head = exchange.head(content_type=_kind(exchange), content_length=len(body))
        exchange.send(head + body[: len(body) // 2])
        exchange.keep_alive = False

    return behave


def reset() -> Behaviour:
    """Take the request and reset the connection."""

    def behave(exchange: Exchange) -> None:
        exchange.keep_alive = False
        exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        exchange.connection.close()

    return behave


def broken() -> Behaviour:
    """Answer with something that is no HTTP."""

    def behave(exchange: Exchange) -> None:
        exchange.send(b"\x00\xff\xfe SSH-2.0 nonsense\r\n\r\n")
        exchange.keep_alive = False

    return behave


def body_of(size: int) -> Behaviour:
    """Answer with a proper JSON document of about this many bytes."""

    def behave(exchange: Exchange) -> None:
        whole = exchange.request.protocol.whole(_spoken(exchange, "@", USAGE, "stop", ()))
        before, after = json.dumps(whole).split("@")
        length = size + len(before) + len(after)
        exchange.send(exchange.head(content_type="application/json", content_length=length) + before.encode())
        for _ in range(size // 65_536):
            exchange.send(b"x" * 65_536)
        exchange.send(b"x" * (size % 65_536) + after.encode())

    return behave


def endless_stream(word: str = "again " * 200) -> Behaviour:
    """Stream for ever, as fast as the client reads."""

    def behave(exchange: Exchange) -> None:
        first, *_ = _stream(exchange, _spoken(exchange, word.strip(), None, None, ()))
        while not exchange.stopping.is_set():
            exchange.chunk(first)

    return behave


def _spoken(
    exchange: Exchange,
    text: str | Callable[[Request], str],
    usage: Tokens | dict[str, Any] | None,
    finish: str | None,
    calls: tuple[Call, ...],
) -> Spoken:
    said = text if isinstance(text, str) else text(exchange.request)
    return Spoken("" if calls else said, usage, finish, calls, exchange.request.json.get("model", "model"))


def _stream(exchange: Exchange, spoken: Spoken, delay: float = 0) -> list[bytes]:
    exchange.send(exchange.head(content_type="text/event-stream", transfer_encoding="chunked"))
    events = list(exchange.request.protocol.events(spoken))
    for event in events:
        if delay:
            exchange.wait(delay)
        exchange.chunk(event)
    return events[-1:]


def _kind(exchange: Exchange) -> str:
    return "text/event-stream" if exchange.request.stream else "application/json"
