"""Every error of ours as ``{"code", "message", "details", "hint"}``.

Two kinds of errors are the host's business too. An exception of the host's own hooks or identity callback gets the
answer of the host's handler for it, when there is one. An exception that nobody expected gets our answer, and the
host's logger and its ``got_request_exception`` signal receive it under the id that the answer names.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import (
    Request,
    Response,
    current_app,
    got_request_exception,
    has_app_context,
    has_request_context,
    request,
)
from marshmallow import ValidationError
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug import exceptions as http

from ..core.clock import uuid7
from ..core.rerun import is_conflict
from ..core.statement_timeout import exceeded_limit
from ..errors import AIAgentsError, ConfigurationError, Invalid, QueryTooExpensive, Unavailable
from ..logs import log_error, logger
from .json import json_response

_log = logger(__name__)

_MISSING_TABLE = ("no such table", "no such column", "UndefinedTable", "UndefinedColumn", "(1146,", "(1054,")


_IDENTIFIED = "aiagents.identified"

_GENERAL = frozenset({Exception, BaseException, http.HTTPException, *http.default_exceptions.values()})
"""Classes whose handlers are the host's error pages, not the meaning of one exception."""


def mark_identified(request: Request) -> None:
    """Note that the host's hooks and its identity callback are done: what fails from here on is not theirs."""
    request.environ[_IDENTIFIED] = True


def render(error: Exception) -> Response:
    """Return the response to an error. Of an unexpected one it has only the id under which it is logged."""
    if (answer := host_answer(error)) is not None:
        return answer
    known = known_error(error)
    response = json_response(known.to_dict(), known.code or 500)
    for challenge in getattr(error, "www_authenticate", None) or ():
        response.headers.add("WWW-Authenticate", str(challenge))
    if known.retry_after is not None:
        response.headers["Retry-After"] = str(known.retry_after)
    if isinstance(error, http.MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def host_answer(error: Exception) -> Response | None:
    """Return the answer of the host's handler for an exception of its own hooks or identity callback."""
    if not has_request_context() or _IDENTIFIED in request.environ:
        return None
    handler = host_handler(error)
    return handler and current_app.make_response(current_app.ensure_sync(handler)(error))


def host_handler(error: Exception) -> Callable[[Any], Any] | None:
    """Return the host's handler for exceptions of this class or one above it.

    Handlers of codes and of general classes do not count: on our routes our own answers stand in for error pages.
    """
    if isinstance(error, AIAgentsError):
        return None
    of_code = error.code if isinstance(error, http.HTTPException) else None
    for code in (of_code, None):
        handlers = current_app.error_handler_spec[None].get(code, {})
        for kind in type(error).__mro__:
            if kind not in _GENERAL and kind in handlers:
                return handlers[kind]
    return None


def known_error(error: Exception) -> AIAgentsError:
    """Return the error of ours that states what this one means. Unexpected ones are logged under an id."""
    match error:
        case AIAgentsError():
            if not isinstance(error, http.HTTPException):  # a wrong set-up or a mistake in code
                _report(error, "%s", error)
            return error
        case ValidationError():
            return Invalid("Some fields are wrong.", details=error.normalized_messages())
        case http.HTTPException():
            return _from_werkzeug(error)
        case PoolTimeout():
            return Unavailable("All database connections are in use.", hint="Try again shortly.", retry_after=1)
        case DBAPIError() if any(word in _cause(error) for word in _MISSING_TABLE):
            return ConfigurationError("The tables are missing or old.", hint="Run flask aiagents db upgrade.")
        case DBAPIError() if exceeded_limit(error):
            _log.warning("A query took longer than it may: %s", error.orig)
            return QueryTooExpensive("The query took longer than it may.")
        case DBAPIError() if is_conflict(error):
            _log.warning("Transactions of others came first: %s", error.orig)
            return Unavailable(
                "Others changed the same rows at the same moment.", hint="Try again.", retry_after=1
            )
        case DBAPIError() if _is_temporary(error):
            _log.warning("The database is not available: %s", error.orig)
            return Unavailable("The database is busy or away.", hint="Try again shortly.", retry_after=1)
    return _unexpected(error)


def _cause(error: DBAPIError) -> str:
    """The driver's error; some name what happened in its class, some in its text."""
    return f"{type(error.orig).__name__}: {error.orig}"


def _is_temporary(error: DBAPIError) -> bool:
    return error.connection_invalidated or isinstance(error, OperationalError)


def _from_werkzeug(error: http.HTTPException) -> AIAgentsError:
    known = AIAgentsError(
        error.description or error.name, error_code=_word(error.name), hint=_HINTS.get(error.code or 0)
    )
    known.code = error.code
    known.retry_after = getattr(error, "retry_after", None)
    return known


def _word(name: str) -> str:
    return re.sub(r"\W+", "_", name).lower()


_HINTS = {
    404: "See /docs for the routes.",
    405: "The Allow header names the methods that this URL takes.",
    415: "Send 'Content-Type: application/json'.",
}


def _unexpected(error: Exception) -> AIAgentsError:
    error_id = uuid7()
    error.add_note(f"AI agents error id: {error_id}")
    _report(error, "Unexpected error %s", error_id)
    return AIAgentsError(
        "Something went wrong on our side.",
        details={"error_id": str(error_id)},
        hint="Try again; if it stays, give this id to the operator.",
    )


def _report(error: Exception, message: str, *args: object) -> None:
    """Tell the host of an error as Flask does for its own routes: by its logger and by Flask's signal."""
    if not has_app_context():
        _log.error(message, *args, exc_info=error)
        return
    log_error(current_app.logger, error, message, *args)
    got_request_exception.send(
        current_app._get_current_object(),  # pyright: ignore[reportAttributeAccessIssue]
        _async_wrapper=current_app.ensure_sync,
        exception=error,
    )


def register_error_handlers(blueprint: Any) -> None:
    """Answer for a blueprint's own requests; each code by itself, since an app's handler for a code beats a
    blueprint's handler for HTTPException."""
    for code in http.default_exceptions:
        blueprint.register_error_handler(code, render)
    blueprint.register_error_handler(Exception, render)
