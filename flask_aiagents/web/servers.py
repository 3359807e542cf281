"""Servers that cannot serve streams well: ASGI servers that run a WSGI app through an adapter.

They never report that a reader left, so an abandoned stream runs to its end and is paid for; and they give the app
few threads. They work, so the first execution warns once; ``flask aiagents doctor`` names them, too.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import Any

from flask import has_request_context, request

from ..logs import logger

_log = logger(__name__)

ADVICE = "Serve the app with a WSGI server: gunicorn -k gthread --threads 32 ..., or granian --interface wsgi ..."

ADAPTERS = ("a2wsgi", "hypercorn", "uvicorn")
"""Packages that serve a WSGI app through an adapter."""

WSGI_SERVERS = ("gunicorn", "granian", "waitress", "uwsgi", "cheroot", "bjoern", "mod_wsgi")

_warned: set[str] = set()


def adapter_of(environ: Mapping[str, Any]) -> str | None:
    """The adapter that made a request's environ; None for a WSGI server."""
    body, to_stdout = environ.get("wsgi.input"), environ.get("wsgi.errors") is sys.stdout
    if type(body).__module__.partition(".")[0] == "a2wsgi":
        return "a2wsgi"
    if isinstance(body, SpooledTemporaryFile) and "asgiref.wsgi" in sys.modules:
        return "asgiref's WsgiToAsgi"
    if not to_stdout:
        return None
    if "hypercorn.app_wrappers" in sys.modules and isinstance(body, BytesIO):
        return "hypercorn's WSGI adapter"
    return "uvicorn's WSGI adapter" if "uvicorn.middleware.wsgi" in sys.modules else None


def warn_of_adapter() -> None:
    """Log, once in a process, that the current request came through an adapter."""
    if not has_request_context() or (name := adapter_of(request.environ)) is None or name in _warned:
        return
    _warned.add(name)
    _log.warning(
        "This app is served by %s, which does not report readers that leave: their streams run on. %s",
        name,
        ADVICE,
    )


def likely_adapter() -> str | None:
    """An adapter that is installed where no WSGI server is; for a command, which sees no request."""
    if any(map(_is_installed, WSGI_SERVERS)):
        return None
    return next(filter(_is_installed, ADAPTERS), None)


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:  # a module without a specification, or one that is hidden from imports
        return False
