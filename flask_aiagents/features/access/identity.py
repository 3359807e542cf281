"""The host's identity callback, and how its answer becomes a principal."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from flask import Flask, current_app
from flask_login import current_user
from werkzeug.local import LocalProxy

from ...core.principal import Principal
from ...errors import ConfigurationError, Forbidden

Resolver = Callable[[], Principal | None]
"""Returns the principal of the current request context."""


class HostIdentity:
    """Call the host's callback for the current request. Exceptions of the callback pass through unchanged."""

    def __init__(self, callback: Callable[[], Any]) -> None:
        """Keep the callback.

        :raises ConfigurationError: for an async callback where Flask cannot await it.
        """
        if _is_async(callback) and importlib.util.find_spec("asgiref") is None:
            raise ConfigurationError(
                "The identity callback is async, and Flask's async support is not installed.",
                hint="Run: pip install 'flask[async]'; or pass a plain function as AIAgents(identity=...).",
            )
        self.callback = callback

    def principal(self) -> Principal | None:
        """Return the principal of the current request, or None when the host identifies nobody."""
        user = _unwrapped(self.callback())
        if inspect.isawaitable(user):
            user = _unwrapped(current_app.async_to_sync(_awaited)(user))
        return to_principal(user)


def flask_login_user() -> Any:
    """Return Flask-Login's user when one is logged in, else None."""
    return current_user if hasattr(current_app, "login_manager") else None


def principal_of(app: Flask, environ: dict[str, Any], resolve: Resolver) -> Principal | None:
    """Return the principal of another request than the current one; exceptions of the host pass through.

    The host's ``before_request`` hooks run first, since they may identify the user; one that answers ends it. The
    app context is a new one, because login extensions cache the user on ``flask.g``.
    """
    with app.app_context(), app.request_context(environ):
        hooks = app.before_request_funcs.get(None, ())
        return resolve() if all(app.ensure_sync(hook)() is None for hook in hooks) else None


def to_principal(user: Any) -> Principal | None:
    """Make a principal of a host's user: an object with ``get_id()`` or ``user_id``, ``tenant_id`` and ``role``.

    None, False and an anonymous user (``is_authenticated`` is False) stand for nobody.

    :raises Forbidden: when the user has no valid role, tenant or id.
    """
    if user is None or user is False:
        return None
    if isinstance(user, Principal):
        return user
    return _converted(user) if getattr(user, "is_authenticated", True) else None


def _unwrapped(user: Any) -> Any:
    return user._get_current_object() if isinstance(user, LocalProxy) else user


def _converted(user: Any) -> Principal:
    user_id = user.get_id() if hasattr(user, "get_id") else getattr(user, "user_id", None)
    tenant, zone = getattr(user, "tenant_id", None), getattr(user, "time_zone", None)
    try:
        return Principal(
            "" if user_id is None else str(user_id),
            None if tenant is None else str(tenant),
            getattr(user, "role", None),  # pyright: ignore[reportArgumentType]
            time_zone=str(zone) if zone else None,
        )
    except ValueError as error:
        raise Forbidden(
            f"This account cannot use AI agents. {error}", hint="Ask the operator to give it a role and a tenant."
        ) from error


def _is_async(callback: Callable[[], Any]) -> bool:
    return inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(type(callback).__call__)


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer
