"""Security headers of the platform's pages. The agents' panel sets its own, which stay."""

from __future__ import annotations

from flask import Flask, Response, request

_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

_ADMIN_POLICY = f"{_POLICY}; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'"
"""For Flask-Admin's own pages, whose templates have scripts and styles in them."""


def init_app(app: Flask) -> None:
    app.after_request(_secure)


def _secure(response: Response) -> Response:
    is_admin = request.path.startswith("/admin")
    response.headers.setdefault("Content-Security-Policy", _ADMIN_POLICY if is_admin else _POLICY)
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response
