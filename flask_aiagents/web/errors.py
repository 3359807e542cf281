"""Every error of ours as ``{"code", "message", "details", "hint"}``."""

from __future__ import annotations

import re
from typing import Any

from flask import Response
from marshmallow import ValidationError
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug import exceptions as http

from ..core.clock import uuid7
from ..errors import AIAgentsError, ConfigurationError, Conflict, Invalid, Unavailable
from ..logs import logger
from .json import json_response

_log = logger(__name__)

_MISSING_TABLE = ("no such table", "no such column", "UndefinedTable", "UndefinedColumn", "(1146,", "(1054,")
_SERIALIZATION_FAILURES = ("deadlock", "could not serialize", "(1020,", "(1213,")


def render(error: Exception) -> Response:
    """The response to an error; what nobody expected is logged under an id and told as nothing but that id."""
    known = known_error(error)
    response = json_response(known.to_dict(), known.code or 500)
    if known.retry_after is not None:
        response.headers["Retry-After"] = str(known.retry_after)
    if isinstance(error, http.MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def known_error(error: Exception) -> AIAgentsError:
    """The error of ours that tells what this one means; what nobody expected is logged under an id."""
    match error:
        case AIAgentsError():
            return error
        case ValidationError():
            return Invalid("Some fields are wrong.", details=error.normalized_messages())
        case http.HTTPException():
            return _from_werkzeug(error)
        case PoolTimeout():
            return Unavailable("All database connections are in use.", hint="Try again shortly.", retry_after=1)
        case DBAPIError() if any(word in _cause(error) for word in _MISSING_TABLE):
            return ConfigurationError("The tables are missing or old.", hint="Run flask aiagents db upgrade.")
        case DBAPIError() if _is_temporary(error):
            _log.warning("The database is not available: %s", error.orig)
            return Unavailable("The database is busy or away.", hint="Try again shortly.", retry_after=1)
        case DBAPIError() if any(word in _cause(error) for word in _SERIALIZATION_FAILURES):
            return Conflict("Another change was made at the same moment.", hint="Try again.")
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
    _log.error("Unexpected error %s", error_id, exc_info=error)
    known = AIAgentsError(
        "Something went wrong on our side.",
        details={"error_id": str(error_id)},
        hint="Try again; if it stays, give this id to the operator.",
    )
    known.code = 500
    return known


def register_error_handlers(blueprint: Any) -> None:
    """Answer for a blueprint's own requests; each code by itself, since an app's handler for a code beats a
    blueprint's handler for HTTPException."""
    for code in http.default_exceptions:
        blueprint.register_error_handler(code, render)
    blueprint.register_error_handler(Exception, render)
