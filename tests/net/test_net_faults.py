"""Servers that misbehave: every request ends in time, with an error of its kind, and is hung up on."""

from __future__ import annotations

import resource
import socket
import time
from typing import Any

import pytest
from net.conftest import STREAM, Ask
from upstream import (
    Upstream,
    body_of,
    broken,
    endless_stream,
    half_stream,
    hang,
    headers_only,
    reset,
    say,
    stall,
    trickle,
    truncated,
)
from upstream.full import full_server
from upstream.server import Behaviour, Exchange

from flask_aiagents.net.errors import Broken, Compressed, NetError, TimedOut, TooLarge
from flask_aiagents.net.limits import Limits


def wire(*parts: bytes, close: bool = True, forever: bytes = b"", pause: float = 0) -> Behaviour:
    """Send these very bytes, and perhaps more of them for ever."""

    def behave(exchange: Exchange) -> None:
        exchange.keep_alive = not close
        exchange.send(b"".join(parts))
        while forever:
            exchange.send(forever)
            if pause:
                exchange.wait(pause)
        if not close:
            exchange.wait()

    return behave


OK = b"HTTP/1.1 200 OK\r\n"
ALL = {"first_byte_s": 5.0, "idle_s": 5.0, "total_s": 5.0}


@pytest.mark.requirement("R38")
@pytest.mark.parametrize(
    ("behaviour", "limit"),
    [
        (hang(), "first_byte"),
        (headers_only(), "first_byte"),
        (wire(OK, forever=b"x", pause=0.1), "first_byte"),
        (wire(OK, forever=b"x: y\r\n", pause=0.05), "first_byte"),
        (wire(forever=b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.1), "first_byte"),
        (trickle(1.0), "idle"),
        (stall(), "idle"),
        (trickle(0.05), "total"),
        (hang(), "total"),
        (wire(OK, forever=b"x", pause=0.1), "total"),
    ],
    ids=["hangs", "headers only", "slow header", "slow headers", "interim", "stalls", "stalls in stream",
         "byte by byte", "total", "total in headers"],
)  # fmt: skip
def test_each_limit_ends_a_request_and_says_so(
    ask: Ask, upstream: Upstream, behaviour: Behaviour, limit: str
) -> None:
    """The limit that is set ends the request, whatever the server does to keep us waiting."""
    upstream.behave(behaviour)
    answer = ask(upstream.base_url, STREAM, **{**ALL, f"{limit}_s": 0.4})
    assert isinstance(answer.error, TimedOut)
    assert (answer.error.limit, answer.error.seconds) == (limit, 0.4)
    assert upstream.wait_closed()


@pytest.mark.requirement("R38")
def test_a_connection_that_is_not_accepted_ends(ask: Ask) -> None:
    """The time to connect has a limit of its own."""
    with full_server() as port:
        error = ask(f"http://127.0.0.1:{port}/v1", connect_s=0.3).error
    assert isinstance(error, TimedOut)
    assert error.limit == "connect"


def test_no_limit_is_shorter_than_the_total_unless_it_is_set(ask: Ask, upstream: Upstream) -> None:
    """A request that may take long may be silent for long: the defaults know only the total."""
    assert (Limits().first_byte_s, Limits().idle_s) == (None, None)
    upstream.script(say("a b", delay=0.3), hang())
    assert ask(upstream.base_url, STREAM, total_s=20).error is None
    error = ask(upstream.base_url, total_s=0.3).error
    assert isinstance(error, TimedOut)
    assert error.limit == "total"


def test_the_time_for_the_first_byte_begins_at_the_connection(
    ask: Ask, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow name takes nothing from the time that the model has to think."""
    real = socket.getaddrinfo

    def slow(host: Any, *args: Any, **options: Any) -> Any:
        time.sleep(0.6)
        return real("127.0.0.1", *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    upstream.answer("late", delay=0.6)
    url = f"http://slow.example:{upstream.port}/v1"
    answer = ask(url, connect_s=5, first_byte_s=1.1, allowed_hosts=("slow.example",))
    assert answer.error is None


@pytest.mark.requirement("F10")
@pytest.mark.parametrize(
    ("behaviour", "answered"),
    [
        (truncated(), True),
        (half_stream(clean=False), True),
        (reset(), False),
        (broken(), True),
        (wire(b""), False),
        (wire(b"HTTP/1.1 2"), False),
        (wire(OK + b"content-length: 5\r\n\r\n12"), True),
        (wire(OK + b"transfer-encoding: chunked\r\n\r\n5\r\n12"), True),
        (wire(OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n12\r\n"), True),
        (wire(OK + b"transfer-encoding: chunked\r\n\r\n2\r\n1234\r\n0\r\n\r\n"), True),
        (wire(OK + b"transfer-encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n12"), True),
    ],
)
def test_an_answer_that_breaks_off_is_broken(
    ask: Ask, upstream: Upstream, behaviour: Behaviour, answered: bool
) -> None:
    """Resets, cut bodies and malformed chunks end as one kind of error, which says whether an answer had begun."""
    upstream.behave(behaviour)
    error = ask(upstream.base_url, STREAM).error
    assert isinstance(error, Broken)
    assert error.answered == answered


@pytest.mark.parametrize(
    "head",
    [
        b"SSH-2.0 nonsense\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/3.0 200 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        OK + b"no colon\r\n\r\n",
        OK + b"x y: bad name\r\n\r\n",
        OK + b"content-length: -1\r\n\r\n",
        OK + b"content-length: 1e3\r\n\r\n",
        OK + b"content-length: " + b"9" * 400 + b"\r\n\r\n",
        OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\n12",
        OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n12\r\n0\r\n\r\n",
        OK + b"x: y\r\n" * 400 + b"\r\n",
        OK + b"x: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
def test_a_malformed_head_is_no_answer(ask: Ask, upstream: Upstream, head: bytes) -> None:
    """What two readers could understand in two ways is not understood at all."""
    upstream.behave(wire(head))
    assert isinstance(ask(upstream.base_url).error, NetError)


@pytest.mark.requirement("F13")
@pytest.mark.parametrize(
    "endless",
    [b"x: y\r\n", b"x" * 65_536, b"HTTP/1.1 100 Continue\r\n\r\n" * 100],
    ids=["headers", "one header", "interim answers"],
)
def test_a_head_without_end_is_cut_off(ask: Ask, upstream: Upstream, endless: bytes) -> None:
    """A server that sends headers for ever costs bounded memory."""
    before = _peak()
    upstream.behave(wire(b"" if b"100" in endless else OK, forever=endless))
    answer = ask(upstream.base_url, total_s=2.0)
    assert answer.error is not None
    assert _peak() - before < 100_000
    assert upstream.wait_closed()


@pytest.mark.requirement("F13")
def test_trailers_without_end_are_cut_off(ask: Ask, upstream: Upstream) -> None:
    """So are the headers that may follow a chunked body."""
    before = _peak()
    upstream.behave(wire(OK + b"transfer-encoding: chunked\r\n\r\n0\r\n", forever=b"x: y\r\n" * 1000))
    assert ask(upstream.base_url, total_s=2.0).error is not None
    assert _peak() - before < 100_000


@pytest.mark.requirement("F13")
@pytest.mark.parametrize("behaviour", [body_of(64 * 1024 * 1024), endless_stream()], ids=["64 MB", "endless"])
def test_an_oversized_body_is_cut_off(ask: Ask, upstream: Upstream, behaviour: Behaviour) -> None:
    """The cap holds while reading, memory stays bounded, and the server is hung up on."""
    upstream.behave(behaviour)
    before = _peak()
    answer = ask(upstream.base_url, STREAM, max_response_bytes=4_000_000)
    assert isinstance(answer.error, TooLarge)
    assert len(answer.body) <= 4_000_000
    assert upstream.wait_closed()
    assert _peak() - before < 100_000


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "deflate", "identity, gzip", "x-unknown"])
def test_a_compressed_body_is_refused(ask: Ask, upstream: Upstream, encoding: str) -> None:
    """We ask for none; a small one could unpack beyond all limits. Its status is still known."""
    upstream.behave(wire(OK + b"content-encoding: " + encoding.encode() + b"\r\ncontent-length: 2\r\n\r\n12"))
    answer = ask(upstream.base_url)
    assert isinstance(answer.error, Compressed)
    assert answer.status == 200


def test_what_came_before_a_break_is_handed_out(ask: Ask, upstream: Upstream) -> None:
    """Nothing of a stream that breaks is lost, even when all of it came at once."""
    text = b"data: 1\n\n" * 20_000
    upstream.behave(wire(OK + b"transfer-encoding: chunked\r\n\r\n%x\r\n" % len(text) + text + b"\r\n5\r\nda"))
    answer = ask(upstream.base_url, STREAM)
    assert isinstance(answer.error, Broken)
    assert answer.body == text + b"da"


def test_a_body_without_a_length_ends_with_the_connection(ask: Ask, upstream: Upstream) -> None:
    """Old servers hang up to say that they are done."""
    upstream.behave(wire(b"HTTP/1.0 200 OK\r\n\r\nall of it"))
    assert ask(upstream.base_url).body == b"all of it"


def test_interim_answers_are_skipped(ask: Ask, upstream: Upstream) -> None:
    """Hints that come before the answer are not the answer."""
    upstream.behave(wire(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK + b"content-length: 2\r\n\r\nok"))
    assert ask(upstream.base_url).body == b"ok"


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
