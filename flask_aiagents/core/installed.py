"""The services of the current app, for code that is shared by all apps: routes and commands."""

from __future__ import annotations

from typing import Any

from flask import current_app
from werkzeug.local import LocalProxy

from ..errors import ConfigurationError

EXTENSION = "aiagents"
"""Our key in ``app.extensions``."""


def installation() -> Any:
    """What the extension put together for the current app.

    :raises ConfigurationError: when it is not mounted there.
    """
    try:
        return current_app.extensions[EXTENSION]
    except KeyError as error:
        raise ConfigurationError("AIAgents is not mounted in this app.", hint="Call AIAgents(app, db).") from error


def installed(name: str) -> Any:
    """A proxy for the current app's service of this name."""
    return LocalProxy(lambda: getattr(installation(), name))
