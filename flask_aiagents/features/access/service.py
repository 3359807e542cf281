"""Who is acting, and whether it may: asked by every service before it does anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Request, has_request_context, request

from ...core.db import Database
from ...core.principal import Principal, acting_principal
from ...core.tenancy import SYSTEM, Scope
from ...errors import Forbidden, Unauthorized
from .policy import HasCreator, Permission, Policy, checked_policy
from .tokens import PREFIX, authenticate, confirm

TENANT_HEADER = "X-AIAgents-Tenant"
"""The tenant that a super admin acts for; ``*`` is what all tenants share."""

ENVIRON_PRINCIPAL = "aiagents.principal"
"""The WSGI key that names the principal of a request outright; a client cannot set it, tests do."""

_ENVIRON_RESOLVED = "aiagents.resolved"


class Access:
    """Resolves the principal of a context and asks the policy."""

    def __init__(self, database: Database, identity: Callable[[], Any], policy: Policy) -> None:
        self._db = database
        self._identity = identity
        self._policy = checked_policy(policy)

    def current(self) -> Principal | None:
        """Who acts here: :func:`acting_as`, else the request's API key, else the host's identity callback."""
        if (principal := acting_principal()) is not None:
            return principal
        if not has_request_context():
            return None
        # On the request and not on flask.g: an outer app context (a test's) would share g between requests.
        environ = request.environ
        if _ENVIRON_RESOLVED not in environ:
            environ[_ENVIRON_RESOLVED] = self._resolve(request)
        return environ[_ENVIRON_RESOLVED]

    def require(
        self, permission: Permission, principal: Principal | None = None, *, row: HasCreator | None = None
    ) -> Principal:
        """Return the principal when it may do this.

        :param row: the row that it is to be done to; without one, see :meth:`.policy.Policy.allows`.
        :raises Unauthorized: when nobody acts.
        :raises Forbidden: when the policy says no.
        """
        principal = principal or self.current()
        if principal is None:
            raise Unauthorized("Nobody is logged in.")
        if not self.allows(principal, permission, row):
            raise _refusal(principal, permission, row)
        return principal

    def require_still(self, permission: Permission, principal: Principal) -> None:
        """The same, asked again by what goes on after its request.

        :raises Unauthorized: when the principal's API key does not hold any more.
        """
        if principal.key_id is not None:
            confirm(self._db, principal.key_id)
        self.require(permission, principal)

    def allows(self, principal: Principal, permission: Permission, row: HasCreator | None = None) -> bool:
        """Return True when this principal may do this."""
        return self._policy.allows(principal, permission, row)

    def scope(self, principal: Principal) -> Scope:
        """What this principal's sessions see."""
        if principal.is_super_admin and not principal.acting:
            return SYSTEM
        narrow = not self.allows(principal, Permission.READ_OTHERS_ACTIVITY)
        return Scope(tenant_id=principal.tenant_id, user_id=principal.user_id if narrow else None)

    def _resolve(self, request: Request) -> Principal | None:
        principal = self._authenticated(request)
        tenant = request.headers.get(TENANT_HEADER)
        if principal is None or tenant is None or not is_own(request):
            return principal
        return principal.acting_for(tenant)

    def _authenticated(self, request: Request) -> Principal | None:
        if ENVIRON_PRINCIPAL in request.environ:
            return request.environ[ENVIRON_PRINCIPAL]
        token = token_of(request)
        return authenticate(self._db, token) if token is not None else _to_principal(self._identity())


def _refusal(principal: Principal, permission: Permission, row: HasCreator | None) -> Forbidden:
    hint = "Ask an admin of your tenant to do it."
    if row is not None:
        hint = f"You may do that to what you made yourself. {hint}"
    return Forbidden(f"A {principal.role} may not {permission}.", hint=hint)


def is_own(request: Request) -> bool:
    """Whether a request is for a route of ours."""
    return (request.blueprint or "").startswith("aiagents")


def token_of(request: Request) -> str | None:
    """The API key that a request carries, or None when it carries none of ours.

    :raises Unauthorized: when its two headers name two keys.
    """
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    given = {bearer.strip()} if scheme.lower() == "bearer" else set()
    if (header := request.headers.get("X-API-Key")) is not None:
        given.add(header.strip())
    ours = {token for token in given if token.startswith(PREFIX)}
    if len(ours) > 1:
        raise Unauthorized("Authorization and X-API-Key name different keys.", hint="Send one of them.")
    return ours.pop() if ours else None


def _to_principal(user: Any) -> Principal | None:
    if user is None or isinstance(user, Principal):
        return user
    user_id = user.get_id() if hasattr(user, "get_id") else getattr(user, "user_id", None)
    tenant, zone = getattr(user, "tenant_id", None), getattr(user, "time_zone", None)
    try:
        return Principal(
            str(user_id or ""),
            None if tenant is None else str(tenant),
            getattr(user, "role", None),  # pyright: ignore[reportArgumentType]
            time_zone=str(zone) if zone else None,
        )
    except ValueError as error:
        raise Forbidden(
            f"This account cannot use AI agents. {error}", hint="Ask the operator to give it a role and a tenant."
        ) from error
