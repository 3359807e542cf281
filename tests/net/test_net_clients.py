"""Requests to servers that behave, and to addresses that are not allowed."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from net.conftest import BODY, HEADERS, STREAM, Ask
from upstream import Upstream, raw, redirect, say

from flask_aiagents.net.errors import AddressRefused, ConnectFailed, Unsendable


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, list[str]]], list[str]]:
    """Make names resolve to these addresses; returns the list of names that were looked up."""

    def install(table: dict[str, list[str]]) -> list[str]:
        real, asked = socket.getaddrinfo, []

        def resolve(host: Any, port: Any, *args: Any, **options: Any) -> Any:
            if host not in table:
                return real(host, port, *args, **options)
            asked.append(host)
            return [info for one in table[host] for info in real(one, port, *args, **options)]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        return asked

    return install


def test_an_answer_comes_as_it_was_sent(ask: Ask, upstream: Upstream) -> None:
    """Status, headers and body of any answer come through, errors' too."""
    for code in (200, 400, 429, 503):
        upstream.script(raw(b"\x00\xff body", content_type="text/plain", code=code))
        answer = ask(f"{upstream.url}/v1/x?api-version=1")
        assert (answer.status, answer.body, answer.error) == (code, b"\x00\xff body", None)
        assert answer.headers is not None
        assert answer.headers["content-type"] == "text/plain"
    assert {request.path for request in upstream.requests} == {"/v1/x?api-version=1"}


def test_a_chunked_body_comes_whole(ask: Ask, upstream: Upstream) -> None:
    """Chunks are put together; an empty body is one too."""
    upstream.script(say("one two three"), raw(b""))
    answer = ask(f"{upstream.base_url}/chat/completions", STREAM)
    assert answer.body.startswith(b"data: {")
    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert ask(upstream.base_url).body == b""


@pytest.mark.parametrize("size", [0, 70_000, 20_000_000])
def test_a_body_of_any_size_is_sent(ask: Ask, upstream: Upstream, size: int) -> None:
    """Prompts with attachments go out whole."""
    body = b'"' + b"x" * size + b'"'
    upstream.behave(raw(b"{}"))
    assert ask(upstream.base_url, body).status == 200
    assert upstream.requests[0].body == body


def test_only_our_headers_are_sent(
    ask: Ask, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Nothing out of the environment, no cookies, no wish for a compressed answer."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    upstream.script(lambda exchange: exchange.whole(b"", set_cookie="session=1; Path=/"))
    for _ in range(2):
        ask(f"{upstream.url}/v1", BODY)
    for request in upstream.requests:
        assert request.headers.pop("user-agent").startswith("flask-aiagents/")
        assert request.headers == {
            "host": f"127.0.0.1:{upstream.port}",
            "content-length": str(len(BODY)),
            "accept-encoding": "identity",
            **{name.lower(): value for name, value in HEADERS.items()},
        }


def test_proxies_of_the_environment_are_not_used(
    ask: Ask, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would choose the address that is connected to."""
    with Upstream() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert ask(upstream.base_url).status == 200
        assert proxy.requests == []


@pytest.mark.requirement("R4")
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(ask: Ask, upstream: Upstream, code: int) -> None:
    """The answer that redirects is the answer."""
    with Upstream() as other:
        upstream.behave(redirect(other.base_url, code))
        assert ask(upstream.base_url).status == code
        assert other.requests == []


@pytest.mark.requirement("R3")
@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "localhost", "LOCALHOST",
     "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "169.254.169.254", "10.0.0.1"],
)  # fmt: skip
def test_private_addresses_are_refused_in_every_spelling(ask: Ask, upstream: Upstream, host: str) -> None:
    """However an address is written, it is judged; what one app admits says nothing for another."""
    answer = ask(f"http://{host}:{upstream.port}/v1", allowed_hosts=())
    assert isinstance(answer.error, AddressRefused | Unsendable)
    assert upstream.requests == []


@pytest.mark.requirement("R3")
def test_a_kept_connection_serves_only_those_who_may_reach_its_host(ask: Ask, upstream: Upstream) -> None:
    """A connection that is open for an allowed request does not serve one that is not allowed."""
    assert ask(upstream.base_url).status == 200
    assert isinstance(ask(upstream.base_url, allowed_hosts=()).error, AddressRefused)
    assert len(upstream.requests) == 1


@pytest.mark.requirement("R3")
def test_the_judged_address_is_the_connected_one(ask: Ask, upstream: Upstream, names: Any) -> None:
    """A name is looked up once for a connection, and nobody looks again between judgement and connection."""
    table = {"twin.example": ["127.0.0.1"], "rebind.example": ["1.1.1.1", "127.0.0.1"]}
    asked = names(table)
    assert ask(f"http://twin.example:{upstream.port}/v1", allowed_hosts=("twin.example",)).status == 200
    assert asked == ["twin.example"]
    assert upstream.requests[0].headers["host"] == f"twin.example:{upstream.port}"
    for addresses in (["1.1.1.1", "127.0.0.1"], ["127.0.0.1"], ["::1"], ["::ffff:10.0.0.1"]):
        table["rebind.example"] = addresses
        assert isinstance(ask(f"http://rebind.example:{upstream.port}/").error, AddressRefused)
    assert len(upstream.requests) == 1


def test_the_next_address_is_tried_when_one_is_closed(ask: Ask, upstream: Upstream, names: Any) -> None:
    """A host with several addresses is reached through any of them."""
    names({"twin.example": ["127.0.0.2", "127.0.0.1"]})
    assert ask(f"http://twin.example:{upstream.port}/v1", allowed_hosts=("twin.example",)).status == 200


@pytest.mark.parametrize("url", ["http://nowhere.invalid/v1", "http://127.0.0.1:1/v1", "http://a..b/v1"])
def test_what_cannot_be_reached_is_told_from_what_broke(ask: Ask, url: str) -> None:
    """An unknown name and a closed port fail before anything is sent."""
    assert isinstance(ask(url).error, ConnectFailed)


@pytest.mark.parametrize(
    ("url", "key"),
    [("/v1", "sk\n1"), ("/v1", "sk\r\nX-Other: 1"), ("/v1", "sk\x00"), ("/v1", "s\u00e9cret"), ("/v 1", "sk"),
     ("/v1\r\nX: 1", "sk"), ("/v\u00e9", "sk")],
)  # fmt: skip
def test_what_http_cannot_carry_is_not_sent(ask: Ask, upstream: Upstream, url: str, key: str) -> None:
    """A line break in a key or a path forges no header."""
    answer = ask(upstream.url + url, headers={"Authorization": f"Bearer {key}"})
    assert isinstance(answer.error, Unsendable)
    assert upstream.requests == []


@pytest.mark.parametrize(
    "url", ["gopher://example.com/", "file:///etc/passwd", "http://", "//x", "http://u:p@127.0.0.1/"]
)
def test_only_plain_http_urls_are_asked(ask: Ask, url: str) -> None:
    """Other schemes, and credentials in a URL, are refused."""
    assert isinstance(ask(url).error, Unsendable)


def test_connections_are_kept_and_stale_ones_replaced(ask: Ask, upstream: Upstream) -> None:
    """Requests one after the other use one connection; one that the server closed is not used again."""
    for _ in range(3):
        assert ask(upstream.base_url).status == 200
    assert len({request.peer for request in upstream.requests}) == 1

    def close(exchange: Any) -> None:
        exchange.whole(b"{}", connection="close")
        exchange.keep_alive = False

    upstream.script(close)
    assert [ask(upstream.base_url).status for _ in range(3)] == [200, 200, 200]
    assert len({request.peer for request in upstream.requests}) == 2
