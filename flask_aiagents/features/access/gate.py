"""Gate of every route: resolves the principal and refuses forgeable writes."""

from __future__ import annotations

import time

from flask import current_app, request

from ...core import shared_transaction
from ...core.installed import installation
from ...core.principal import Principal, Role
from ...errors import Forbidden, Unauthorized
from ...web.errors import mark_identified
from .headers import token_of
from .same_origin import is_forgeable, same_origin

_BULK_TIMES = 2
"""How many times ``AIAGENTS_MAX_BODY_BYTES`` the longest body of a route may be."""

_SHORT_BODY = 64 * 1024
"""Bytes of a body that is read before an API key is looked up, whose transaction then need not wait for it."""

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def enter() -> None:
    """Run before each of our routes.

    The principal is resolved first, while the host's session may still be read; then that session's read
    transaction ends, so that the request holds one connection and not two.

    :raises Unauthorized: when the request identifies nobody.
    :raises RateLimited: when too many requests of the tenant wait.
    :raises Forbidden: for a write that another site may have caused a browser to send.
    """
    if request.method == "OPTIONS":
        return
    began_cpu_s = time.thread_time()
    system = installation()
    if (key := token_of(request)) is not None:
        system.floods.refuse(key)
        if _is_body_read():
            shared_transaction.begin_sharing(system.database)
    principal = system.access.current()
    mark_identified(request)
    if principal is None:
        raise Unauthorized("Nobody is logged in.")
    if key is not None and principal.role is not Role.SUPER_ADMIN:  # theirs act for many tenants
        system.floods.remember(key, principal.tenant_id)
    system.database.end_host_read()
    if request.method not in _READS and not _is_intended(principal):
        raise Forbidden(
            "A browser may have added the credentials of this write by itself, and nothing shows that one of your "
            "own pages sent it.",
            error_code="cross_site",
            hint="Send it with fetch() from the same origin, or authenticate by an API key or a header and leave "
            "cookies out (credentials: 'omit').",
        )
    system.maintenance.start()
    _read_body(system.settings.max_body_bytes * _BULK_TIMES)
    system.turns.begin(principal, began_cpu_s)


def _is_body_read() -> bool:
    """Read a short body; False when there is one that is longer, or of a length that is not announced."""
    if (length := request.content_length) is None:
        return "Transfer-Encoding" not in request.headers
    if length <= _SHORT_BODY:
        request.get_data(cache=True)
    return length <= _SHORT_BODY


def _read_body(max_bytes: int) -> None:
    """Read the body before the request takes a turn: a slow upload must not hold one."""
    if request.content_length and request.content_length <= max_bytes:
        request.get_data(cache=True)


def _is_intended(principal: Principal) -> bool:
    system = installation()
    if token_of(request) is not None or same_origin(request):
        return True
    if system.settings.always_require_same_origin:
        return False
    return not is_forgeable(current_app, request, principal, system.access.current)
