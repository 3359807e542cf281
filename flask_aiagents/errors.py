"""One tree of errors. Each knows its HTTP status, its error code and what to do next.

Every error that a client can meet is a werkzeug ``HTTPException`` as well, so that a host which calls a
service in a route of its own gets the page it would get for that status, and either ``except`` works.
"""

from __future__ import annotations

from typing import Any

from werkzeug import exceptions as http
from werkzeug.wrappers.response import Response


class AIAgentsError(Exception):
    """The root: ``message`` says what happened, ``details`` where, ``hint`` what to do next."""

    code: int | None
    """The HTTP status, under werkzeug's name for it; 500 unless the class or its werkzeug base names another."""

    error_code: str = "internal_error"
    """The stable word for this kind of error, sent to clients as ``code``."""

    hint: str | None = None

    def __init__(
        self,
        message: str,
        *,
        error_code: str | None = None,
        details: Any = None,
        hint: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        Exception.__init__(self, message)  # werkzeug's own signatures differ from class to class
        # Not a class attribute of the root, which would hide the codes of werkzeug's classes.
        self.code = getattr(type(self), "code", None) or 500
        self.message = message
        self.description: str | None = message
        self.response: Response | None = None
        self.error_code = error_code or self.error_code
        self.details = details
        self.hint = hint or self.hint
        self.retry_after = retry_after
        """Seconds after which another try makes sense; sent as ``Retry-After``."""

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def to_dict(self) -> dict[str, Any]:
        """The body that a client sees."""
        return {"code": self.error_code, "message": self.message, "details": self.details, "hint": self.hint}


class ConfigurationError(AIAgentsError):
    """The host's set-up is wrong. Permanent until a person mends it."""

    code = 500
    error_code = "configuration_error"


class ScopeError(AIAgentsError):
    """A query or a write left its tenant's scope, or had none: a mistake in code, never in input."""

    code = 500
    error_code = "scope_error"


class BadRequest(AIAgentsError, http.BadRequest):
    """The request cannot be read."""

    error_code = "bad_request"


class Unauthorized(AIAgentsError, http.Unauthorized):
    """Nobody is acting."""

    error_code = "unauthorized"
    hint = "Log in, or send an API key as 'Authorization: Bearer aia_...' or 'X-API-Key: aia_...'."
    www_authenticate = ()


class Forbidden(AIAgentsError, http.Forbidden):
    """The principal may not do this."""

    error_code = "forbidden"


class NotFound(AIAgentsError, http.NotFound):
    """Absent, or another tenant's: the answer is the same."""

    error_code = "not_found"


class MethodNotAllowed(AIAgentsError, http.MethodNotAllowed):
    """The URL exists, the method does not."""

    error_code = "method_not_allowed"
    valid_methods = None


class Conflict(AIAgentsError, http.Conflict):
    """The request is well formed, but the present state refuses it."""

    error_code = "conflict"


class PreconditionFailed(AIAgentsError, http.PreconditionFailed):
    """``If-Match`` names a version that is not the present one."""

    error_code = "stale"
    hint = "Read the object again and send its ETag as If-Match."


class PayloadTooLarge(AIAgentsError, http.RequestEntityTooLarge):
    """The body is larger than it may be."""

    error_code = "payload_too_large"


class Invalid(AIAgentsError, http.UnprocessableEntity):
    """Fields are wrong; ``details`` maps each field to its messages."""

    error_code = "invalid"
    hint = "Mend the fields that details names and send the request again."


class QueryTooExpensive(AIAgentsError, http.BadRequest):
    """The database stopped a query at its time limit. A 400 and not a 503: clients repeat those by themselves."""

    error_code = "query_too_expensive"
    hint = (
        "Narrow it: ask for a shorter period, filter by id, agent_id or created_at, "
        "and use fewer and shorter patterns."
    )


class RateLimited(AIAgentsError, http.TooManyRequests):
    """More than the principal or its tenant may have, in a time or at once."""

    error_code = "rate_limited"


class Unavailable(AIAgentsError, http.ServiceUnavailable):
    """Temporary: the same request can succeed later."""

    error_code = "unavailable"


class UpstreamError(AIAgentsError, http.BadGateway):
    """The model's provider failed or answered nonsense."""

    error_code = "upstream_error"


class UpstreamTimeout(AIAgentsError, http.GatewayTimeout):
    """The model's provider did not answer in time."""

    error_code = "upstream_timeout"
