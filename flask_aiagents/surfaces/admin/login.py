"""Where somebody goes who is not logged in: to the host's login, and back to the page that was asked for."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, current_app, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ...core.installed import installation
from ...errors import Unauthorized
from ...web.urls import current_path, mounted
from . import security
from .pages import is_script


def send_there() -> Response | WerkzeugResponse:
    """The way to the host's login: ``AIAGENTS_LOGIN_URL``, else Flask-Login's.

    :raises Unauthorized: when the host has none, and for what cannot be repeated after it.
    """
    if is_script() or request.method not in security.READS:
        raise Unauthorized("You are logged out.", hint="Log in in another tab, then repeat this: nothing is lost.")
    if setting := installation().settings.login_url:
        url = _login_url(setting)
        separator = "&" if "?" in url else "?"
        return redirect(f"{url}{separator}{urlencode({'next': _asked()})}")
    manager = getattr(current_app, "login_manager", None)
    if manager is None:
        raise Unauthorized("Nobody is logged in.", hint="Log in to the application, then open this page again.")
    return current_app.make_response(manager.unauthorized())


def _asked() -> str:
    """The path of this request: begins with the panel's own URL, so it never leaves the origin."""
    query = request.query_string.decode("utf-8", "replace")
    return f"{current_path()}?{query}" if query else current_path()


def _login_url(url: str) -> str:
    """The setting as a browser follows it: a path is one of the app, wherever the app is mounted."""
    if not url.startswith("/") or url.startswith(("//", f"{request.root_path}/")):
        return url
    return mounted("") + url
