"""Failures of a request to another server, each of its kind.

They hold no URL, no header and no byte of a body, so they can be logged. Nothing of a library's own exception is
kept either: it may carry the request's headers.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Limit: TypeAlias = Literal["connect", "first_byte", "idle", "total"]
"""The time limits of :class:`flask_aiagents.net.limits.Limits`, without their ``_s``."""


class NetError(Exception):
    """A request that brought no complete answer."""


class AddressRefused(NetError):
    """The name leads to an address that is not public. Nothing was sent."""


class ConnectFailed(NetError):
    """No connection was made, so nothing was sent: no such name, refused, or its certificate is not accepted."""


class Unsendable(NetError):
    """URL or headers hold something that HTTP cannot carry, such as a line break in a key. Nothing was sent."""


class TimedOut(NetError):
    """A time limit ended the request."""

    def __init__(self, limit: Limit, seconds: float) -> None:
        super().__init__(f"{limit} limit of {seconds:g} s reached")
        self.limit: Limit = limit
        self.seconds = seconds


class Broken(NetError):
    """The connection ended in the middle of the exchange, or what came is not HTTP."""

    def __init__(self, message: str, *, answered: bool) -> None:
        super().__init__(message)
        self.answered = answered
        """True if something came that was meant as an answer."""


class TooLarge(NetError):
    """The body is larger than ``max_response_bytes``."""


class Compressed(NetError):
    """The body is compressed although we asked for it plain; a small one could unpack beyond all limits."""
