"""Host names that a process resolves slowly, or to loopback."""

from __future__ import annotations

import socket
import time
from typing import Any

SLOW = ".slow.test"
"""Names that end so are not known after 20 s."""

QUICK = "quick.test"
"""This name is known at once: it is 127.0.0.1."""


def install() -> None:
    """Make this process resolve names so."""
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **options: Any) -> Any:
        if str(host).endswith(SLOW):
            time.sleep(20)
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return real("127.0.0.1" if host == QUICK else host, *args, **options)

    socket.getaddrinfo = resolve
