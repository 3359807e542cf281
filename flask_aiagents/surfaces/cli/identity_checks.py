"""Checks of the host's identity: what it answers, who can get in, and what its users lack.

A missing login is a problem only where nothing else lets anybody in. A host that needs none, since only API keys
or its own code use the system, says so by ``AIAgents(identity=lambda: None)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app
from flask.testing import EnvironBuilder
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from ...core import migrate
from ...core.clock import utcnow
from ...core.tenancy import SYSTEM
from ...errors import AIAgentsError, Forbidden
from ...features.access.identity import flask_login_user, principal_of, to_principal
from ...features.access.models import ApiKey
from ...web.errors import host_handler
from .findings import Finding

SAMPLE = 20
"""Users of the host that are looked at."""

_RECIPES = "docs/identity.md has a recipe for each login extension."


def identity_answers(system: Any) -> Iterator[Finding]:
    """An identity callback that fails without a login answers every such request with a 500."""
    app: Flask = current_app._get_current_object()  # pyright: ignore[reportAttributeAccessIssue]
    path = f"{system.settings.url_prefix.rstrip('/')}/ai_agents"
    environ = EnvironBuilder(app, path, url_scheme="https").get_environ()
    try:
        principal_of(app, environ, system.access.current)
    except AIAgentsError as error:
        yield Finding("problem", f"A request without a login is refused: {error.message}", _RECIPES)
    except HTTPException:
        return  # the host's way to refuse who is not logged in
    except Exception as error:
        if host_handler(error) is None:
            found = f"The identity callback fails for a request without a login: {type(error).__name__}: {error}"
            yield Finding("problem", found, _RECIPES)


def somebody_gets_in(system: Any) -> Iterator[Finding]:
    """Without a login and without API keys nobody can use the routes or the panel."""
    if not _uses_flask_login(system) or hasattr(current_app, "login_manager"):
        return
    if _has_keys(system):
        yield Finding(
            "advice",
            "This app has no Flask-Login, so only API keys let anybody in, and nobody sees the panel.",
            f"Pass AIAgents(identity=...): {_RECIPES}",
        )
    else:
        yield Finding(
            "problem",
            "Nobody can get in: this app has no Flask-Login, and there is no API key.",
            f"Set up Flask-Login, or pass AIAgents(identity=...): {_RECIPES} Or make a key: flask aiagents keys "
            "create. If only your own code calls the services, pass AIAgents(identity=lambda: None).",
        )


def users_have_role_and_tenant(system: Any) -> Iterator[Finding]:
    """Users that Flask-Login knows become principals by their ``role`` and ``tenant_id``."""
    if not _uses_flask_login(system):
        return
    for user_class in _user_classes():
        missing = [name for name in ("role", "tenant_id") if not hasattr(user_class, name)]
        if missing:
            yield Finding(
                "problem",
                f"{user_class.__name__} has no {' and no '.join(missing)}: nobody who logs in can use AI agents.",
                f"Add them as columns or properties, or pass AIAgents(identity=...): {_RECIPES}",
            )
        else:
            yield from _refused_users(user_class)


def _refused_users(user_class: type[Any]) -> Iterator[Finding]:
    users = _sample(user_class)
    refusals = [refusal for user in users if (refusal := _refusal(user))]
    if refusals:
        yield Finding(
            "problem" if len(refusals) == len(users) else "advice",
            f"{len(refusals)} of {len(users)} users looked at cannot use AI agents, first: {refusals[0]}",
            "Give them a role (super_admin, tenant_admin or user) and a tenant_id.",
        )


def _refusal(user: Any) -> str | None:
    try:
        to_principal(user)
    except Forbidden as error:
        return f"{type(user).__name__} {user.get_id()}: {error.message}"
    return None


def _uses_flask_login(system: Any) -> bool:
    return system.access.identity.callback is flask_login_user


def _has_keys(system: Any) -> bool:
    if migrate.current(system.database) is None:
        return False
    holds = ApiKey.revoked_at.is_(None) & (ApiKey.expires_at.is_(None) | (ApiKey.expires_at > utcnow()))
    with system.database.transaction(SYSTEM) as session:
        return session.scalar(sa.select(ApiKey.id).where(holds).limit(1)) is not None


def _user_classes() -> list[type[Any]]:
    """Return the host's mapped classes that Flask-Login can log in, where Flask-SQLAlchemy knows them."""
    model: Any = getattr(current_app.extensions.get("sqlalchemy"), "Model", None)
    mappers = model.registry.mappers if model is not None else ()
    return [mapper.class_ for mapper in mappers if hasattr(mapper.class_, "is_authenticated")]


def _sample(user_class: type[Any]) -> list[Any]:
    session: Any = current_app.extensions["sqlalchemy"].session
    try:
        return list(session.scalars(sa.select(user_class).limit(SAMPLE)))
    except SQLAlchemyError:  # the host's tables are not there yet
        return []
    finally:
        session.remove()
