"""An app below a path: as a dispatcher mounts it, and as a proxy that strips the path announces it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from flask_aiagents import Principal
from flask_aiagents.features.access.service import ENVIRON_PRINCIPAL

PREFIX = "/tools/ai"

WSGI = Callable[[dict[str, Any], Any], Iterable[bytes]]


def dispatched(app: Flask) -> WSGI:
    """``SCRIPT_NAME`` by a dispatcher; a host sets ``APPLICATION_ROOT`` beside it, for its cookies."""
    app.config["APPLICATION_ROOT"] = PREFIX
    return DispatcherMiddleware(NotFound(), {PREFIX: app})


def proxied(app: Flask) -> WSGI:
    """A proxy takes the prefix off and names it in ``X-Forwarded-Prefix``."""
    inner = ProxyFix(app.wsgi_app, x_prefix=1)

    def proxy(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if not path.startswith(f"{PREFIX}/"):
            return NotFound()(environ, start_response)
        return inner(
            environ | {"PATH_INFO": path.removeprefix(PREFIX), "HTTP_X_FORWARDED_PREFIX": PREFIX}, start_response
        )

    return proxy


MOUNTS = {"dispatcher": dispatched, "proxy": proxied}


class Browser:
    """Somebody outside, to whom only whole paths exist."""

    def __init__(self, wsgi: WSGI, principal: Principal | None) -> None:
        self._client = Client(wsgi)
        self._environ = {ENVIRON_PRINCIPAL: principal, "HTTP_SEC_FETCH_SITE": "same-origin"}

    def open(self, path: str, method: str = "GET", **options: Any) -> Any:
        """The answer to a request of this person."""
        return self._client.open(path, method=method, environ_base=self._environ, **options)
