"""The address guard."""

from __future__ import annotations

import pytest

from flask_aiagents.errors import BadRequest
from flask_aiagents.llm.providers import default_origin
from flask_aiagents.net.guard import check_base_url, is_public, origin

PRIVATE = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "fd00:ec2::254",
    "2001:db8::1",
    "192.0.0.8",
    "192.0.0.192",
    "192.88.99.1",
    "::ffff:192.0.0.192",
    "3fff::1",
    "3fff:fff:ffff::1",
    "5f00::1",
    "2001:20::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_r3_private_addresses_are_not_public(address: str) -> None:
    """Loopback, link-local, private, metadata and embedded IPv4 addresses are told from public ones."""
    assert not is_public(address)
    with pytest.raises(BadRequest):
        check_base_url(f"https://[{address}]/v1" if ":" in address else f"https://{address}/v1", ())


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::1.1.1.1", "::ffff:1.1.1.1"])
def test_r3_public_addresses_pass(address: str) -> None:
    """The public internet is open."""
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/v1",
        "https://localhost/v1",
        "https://service.localhost",
        "https://127.1/v1",
        "https://2130706433/v1",
        "https://0x7f000001/v1",
        "https://0177.0.0.1/",
        "https://user:pw@api.example.com",
        "https://api.openai.com\\@evil.example",
        "https://api.openai.com@evil.example",
        "https://api.example.com/v1?key=1",
        "https://api.example.com/v1#part",
        "https://api.example.com:99999/",
        "https://api.example.com:0/",
        "https://api exam.ple",
        "https://ex\u00e4mple.com",
        "https://%6cocalhost/v1",
        "https://127.0.0%2e1/v1",
        "https://[fe80::1%25eth0]/v1",
        "https://api.example.com/v1/%2e%2e/other",
        "https://api.example.com/one/../other",
        "https://api.example.com/./v1",
        "https://api.example.com/one//other",
        "https://",
        "//api.example.com",
        "api.example.com",
        "ftp://api.example.com",
        "gopher://api.example.com",
        "",
    ],
)
def test_r3_bad_urls_are_refused_when_they_are_written(url: str) -> None:
    """A base_url that is no plain https URL of a public host is refused, with what to do instead."""
    with pytest.raises(BadRequest) as caught:
        check_base_url(url, ())
    assert caught.value.error_code == "address_refused"
    assert "AIAGENTS_ALLOWED_HOSTS" in str(caught.value)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "file://localhost/etc/passwd", "FILE:///x"])
def test_r10_file_urls_are_refused(url: str) -> None:
    """No file of the server can be named."""
    with pytest.raises(BadRequest):
        check_base_url(url, ("localhost",))


def test_allowed_hosts_may_be_private_and_plain() -> None:
    """What the operator allows passes, over http too, whatever its case; its neighbours do not."""
    check_base_url("http://127.0.0.1:8000/v1", ("127.0.0.1",))
    check_base_url("http://Models.Internal/v1", ("models.internal",))
    check_base_url("http://[::1]:8000", ("[::1]",))
    check_base_url("https://api.example.com/v1", ())
    with pytest.raises(BadRequest):
        check_base_url("http://127.0.0.2:8000/v1", ("127.0.0.1",))


def test_origins_are_one_spelling() -> None:
    """The same place has the same origin, however it is written."""
    assert origin("https://API.OpenAI.com:443/v1/") == origin("https://api.openai.com") == default_origin("openai")
    assert origin("http://[::1]:8000/v1") == "http://[::1]:8000"
    assert origin("https://api.openai.com:8443/") != default_origin("openai")
