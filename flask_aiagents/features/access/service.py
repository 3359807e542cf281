"""Who is acting, and whether it may: asked by every service before it does anything."""

from __future__ import annotations

from flask import Request, has_request_context, request

from ...core.db import Database
from ...core.principal import Principal, acting_principal
from ...core.tenancy import SYSTEM, Scope
from ...errors import Forbidden, Unauthorized
from .headers import is_own, token_of
from .identity import HostIdentity
from .policy import UNLIMITED_ONLY, Permission, Policy, checked_policy
from .roles import HostRoles
from .tokens import authenticate, confirm

TENANT_HEADER = "X-AIAgents-Tenant"
"""The tenant that a super admin acts for; ``*`` is what all tenants share."""

ENVIRON_PRINCIPAL = "aiagents.principal"
"""The WSGI key that names the principal of a request outright; a client cannot set it, tests do."""

_ENVIRON_RESOLVED = "aiagents.resolved"


class Access:
    """Resolves the principal of a context and asks the policy."""

    def __init__(
        self, database: Database, identity: HostIdentity, policy: Policy, roles: HostRoles | None = None
    ) -> None:
        self._db = database
        self._roles = roles or HostRoles()
        self.identity = identity
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
        self, permission: Permission, principal: Principal | None = None, *, row: object | None = None
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
            confirm(self._db, principal.key_id, principal.role, self._roles)
        self.require(permission, principal)

    def allows(self, principal: Principal, permission: Permission, row: object | None = None) -> bool:
        """Return True when this principal may do this: the policy and the limits of its API key decide."""
        limits = principal.limits
        if limits.permissions is not None and permission.slug not in limits.permissions:
            return False
        if limits.agent_ids is not None and permission in UNLIMITED_ONLY:
            return False
        granted = limits.permissions is not None and permission in self._policy.grantable
        return granted or self._policy.allows(principal, permission, row)

    def grantable(self, principal: Principal, permission: Permission) -> bool:
        """Return True when an API key that acts as this principal can have the permission."""
        return permission in self._policy.grantable or self._policy.allows(principal, permission)

    def scope(self, principal: Principal) -> Scope:
        """What this principal's sessions see."""
        agent_ids = principal.limits.agent_ids
        if principal.is_super_admin and not principal.acting:
            if agent_ids is not None:
                raise Forbidden("A super admin limited to agents sees nothing.", hint="Act for a tenant.")
            return SYSTEM
        narrow = not self.allows(principal, Permission.READ_OTHERS_ACTIVITY)
        return Scope(
            tenant_id=principal.tenant_id, user_id=principal.user_id if narrow else None, agent_ids=agent_ids
        )

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
        if token is None:
            return self.identity.principal()
        return authenticate(self._db, token, self._roles, self._policy.grantable)


def _refusal(principal: Principal, permission: Permission, row: object | None) -> Forbidden:
    hint = "Ask an admin of your tenant to do it."
    if row is not None:
        hint = f"You may do that to what you made yourself. {hint}"
    limits = principal.limits
    if limits.permissions is not None and permission.slug not in limits.permissions:
        return Forbidden(f"This API key may not {permission}.", hint="Use a key that has this permission.")
    if limits.agent_ids is not None and permission in UNLIMITED_ONLY:
        return Forbidden(f"An API key limited to agents may not {permission}.", hint="Use a key for all agents.")
    return Forbidden(f"A {principal.role} may not {permission}.", hint=hint)
