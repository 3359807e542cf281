"""TLS: the certificate is that of the name, whatever the address."""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from net.conftest import Ask, fetch_here
from upstream import Upstream

from flask_aiagents.net.errors import ConnectFailed, TimedOut
from flask_aiagents.net.sockets import tls_context
from flask_aiagents.net.sync_client import SyncClient


def certificate(folder: Path, name: str) -> Path:
    """A certificate that vouches for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """A provider that is twin.example by a certificate that this process trusts."""
    path = certificate(tmp_path, "twin.example")
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **options: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith(".example") else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    tls_context.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with Upstream() as upstream:
        upstream._server.socket = context.wrap_socket(upstream._server.socket, server_side=True)
        yield upstream
    tls_context.cache_clear()


def test_the_certificate_must_be_that_of_the_name(secure: Upstream, ask: Ask) -> None:
    """The name is checked although the connection is made to an address."""
    for _ in range(2):
        answer = ask(f"https://twin.example:{secure.port}/v1", allowed_hosts=("twin.example",))
        assert (answer.status, answer.error) == (200, None)
    assert len({request.peer for request in secure.requests}) == 1
    for host in ("other.example", "127.0.0.1"):
        answer = ask(f"https://{host}:{secure.port}/v1", allowed_hosts=("other.example", "127.0.0.1"))
        assert isinstance(answer.error, ConnectFailed)
        assert "certificate" in str(answer.error)
    assert len(secure.requests) == 2


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(
    secure: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ask: Ask
) -> None:
    """The same certificate where it is not trusted; a server that does not speak TLS is no better."""
    with Upstream() as plain:
        assert isinstance(ask(f"https://127.0.0.1:{plain.port}/").error, ConnectFailed)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path, "unrelated.example")))
    tls_context.cache_clear()
    client = SyncClient()
    error = fetch_here(client, f"https://twin.example:{secure.port}/", allowed_hosts=("twin.example",)).error
    assert isinstance(error, ConnectFailed)


def test_a_server_that_never_ends_the_handshake_is_left(ask: Ask) -> None:
    """TLS counts for the time to connect."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        error = ask(f"https://127.0.0.1:{deaf.getsockname()[1]}/", connect_s=0.3).error
    assert isinstance(error, TimedOut)
    assert error.limit == "connect"
