"""The address guard: where a model may be.

A ``base_url`` comes from people, so it is judged twice: its text when it is written (:func:`check_base_url`),
and its addresses when it is connected to (:func:`judge`), where exactly the addresses that were judged are used.
A name that resolves to a public address today and to a private one tomorrow gets nowhere.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from ..errors import BadRequest
from .errors import AddressRefused

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PLAIN_URL = re.compile(r"[A-Za-z0-9._~:/\[\]-]+")
_AMBIGUOUS_PATH = re.compile(r"//|(?:^|/)\.\.?(?:/|$)")
"""Segments that a server may resolve to another path than the one that was judged."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NEVER = (
    ipaddress.ip_network("100.64.0.0/10"),
    ipaddress.ip_network("192.0.0.0/24"),
    ipaddress.ip_network("192.88.99.0/24"),
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("2001:20::/28"),
    ipaddress.ip_network("3fff::/20"),
    ipaddress.ip_network("5f00::/16"),
    ipaddress.ip_network("fec0::/10"),
)
"""Special-purpose ranges (RFC 6890, 9602, 9637) that ``is_global`` of some Python versions admits."""


@lru_cache(maxsize=1024)
def origin(url: str) -> str:
    """Scheme, host and, unless it is the scheme's own, port, in lower case: what a stored key is bound to."""
    parts = _split(url)
    host = _host(parts)
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


@lru_cache(maxsize=1024)
def path(url: str) -> str:
    """The path without a slash at its end; empty for a URL that is an origin."""
    return _split(url).path.rstrip("/")


def is_below(path: str, prefix: str) -> bool:
    """Return whether a path is a prefix or continues it with a slash; everything is below an empty prefix."""
    return not prefix or path == prefix or path.startswith(f"{prefix}/")


def check_base_url(url: str, allowed_hosts: Iterable[str]) -> None:
    """Judge the text of a URL; nothing is resolved.

    :raises BadRequest: when it is no plain http(s) URL, or names an address that is not public.
    """
    parts = _split(url)
    host = _host(parts)
    if is_allowed(host, allowed_hosts):
        return
    if parts.scheme != "https":
        raise _refused("base_url must start with https://.")
    address = literal(host)
    if host == "localhost" or host.endswith(".localhost") or (address and not is_public(address)):
        raise _refused(f"{host} is not a public address.")


def is_allowed(host: str, allowed_hosts: Iterable[str]) -> bool:
    """Return whether the operator admits this host, whatever its addresses."""
    return host.lower() in {allowed.strip("[] ").lower() for allowed in allowed_hosts}


def is_public(address: str) -> bool:
    """Return whether an address is of the public internet, also inside IPv6 forms that carry an IPv4 address."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        if ip in _NAT64 or ip.packed[:12] == bytes(12):
            inner = ipaddress.IPv4Address(ip.packed[-4:])
        if inner is not None:
            return is_public(str(inner))
    never = any(ip in network for network in _NEVER if network.version == ip.version)
    return ip.is_global and not (never or ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def judge(host: str, addresses: list[str], *, admitted: bool) -> list[str]:
    """Return the addresses of a host, for connecting to exactly these.

    :param admitted: whether the operator admits the host, whatever its addresses.
    :raises AddressRefused: when one of them is not public and the host is not admitted.
    """
    if not admitted and not all(is_public(address) for address in addresses):
        raise AddressRefused(f"{host} leads to an address that is not public")
    return addresses


def _split(url: str) -> SplitResult:
    # A narrow alphabet leaves nothing that two URL parsers could read differently.
    if not _PLAIN_URL.fullmatch(url):
        raise _refused("base_url may hold no user, query, fragment, space, percent or other special character.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused(f"base_url is not a URL: {error}.") from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.netloc or not parts.hostname or port == 0:
        raise _refused("base_url must be http:// or https:// and a host.")
    if _AMBIGUOUS_PATH.search(parts.path):
        raise _refused("The path of base_url may hold no empty, '.' or '..' segment.")
    return parts


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").lower().rstrip(".")


def literal(host: str) -> str | None:
    """The address, when the host is written as one; 127.1, 0x7f000001 and 2130706433 are addresses too."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def _refused(message: str) -> BadRequest:
    return BadRequest(
        message,
        error_code="address_refused",
        hint="Use a public https:// URL, or ask the operator to add its host to AIAGENTS_ALLOWED_HOSTS.",
    )
