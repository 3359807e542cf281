"""Addresses as a browser sees them: with the path that a server or proxy mounts the app under."""

from __future__ import annotations

from urllib.parse import quote

from flask import request

_UNQUOTED = "/:@!$&'()*+,;=~"


def mounted(path: str) -> str:
    """A path of the app with the mount prefix in front, percent-encoded."""
    return quote(f"{request.root_path}{path}", safe=_UNQUOTED)


def current_path() -> str:
    """The path of this request."""
    return mounted(request.path)
