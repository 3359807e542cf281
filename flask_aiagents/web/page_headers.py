"""Security headers of our pages, kept when another extension sets its own on every response.

Flask-Talisman and its like work in ``after_request`` of the app, which runs after that of our blueprints. What our
pages need is noted in the request and put back by the app's last ``after_request``.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, Response, request

_NOTED = "aiagents.page_headers"

_REPLACED = ("Content-Security-Policy-Report-Only", "X-Content-Security-Policy")
"""Other names of the policy, which would add another one to ours."""


def keep_headers(response: Response, headers: Mapping[str, str]) -> None:
    """Set headers on one of our pages, for good."""
    response.headers.update(headers)
    request.environ[_NOTED] = dict(headers)


def restore_last(app: Flask) -> None:
    """Put our headers back after everything else; responses of the host are left alone."""
    # Flask runs these in reverse order, so the first is the last to run.
    app.after_request_funcs.setdefault(None, []).insert(0, _restore)


def _restore(response: Response) -> Response:
    if (headers := request.environ.get(_NOTED)) is not None:
        response.headers.update(headers)
        if "Content-Security-Policy" in headers:
            for name in _REPLACED:
                response.headers.pop(name, None)
    return response
