"""The tenant that a super admin picked: kept in the host's session, for the person and the login that picked it.

Flask-Login's login and logout end the choice. Where a host has another login, the choice counts for the same user
alone, so the next person at the browser starts with all tenants.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, session
from flask_login import user_logged_in, user_logged_out

from ...core.principal import Principal

_KEY = "aiagents_tenant"


def pick(principal: Principal, tenant: str | None) -> None:
    """Keep the choice in the session; None chooses all tenants."""
    if tenant is None:
        session.pop(_KEY, None)
    else:
        session[_KEY] = [principal.user_id, tenant]


def picked(principal: Principal) -> str | None:
    """Return the tenant that this super admin acts for; None for all, and for other principals."""
    match session.get(_KEY):
        case [principal.user_id, str(tenant)] if principal.is_super_admin:
            return tenant
    return None


def end_with_login(app: Flask) -> None:
    """Drop the choice when somebody logs in or out of this app."""
    user_logged_in.connect(_drop, app)
    user_logged_out.connect(_drop, app)


def _drop(_: Flask, **__: Any) -> None:
    session.pop(_KEY, None)
