"""All routes of the system, mounted under the app's prefix."""

from __future__ import annotations

from flask import Flask

from .features.access.routes import blp as keys
from .features.activity.routes import blp as activity
from .features.agents.routes import blp as agents
from .features.analytics.routes import blp as analytics
from .features.credentials.routes import blp as credentials
from .features.execution.routes import blp as execution
from .version import __version__
from .web.api import ScopedApi
from .web.docs import docs_blueprint
from .web.openapi import SECURITY_SCHEMES
from .web.unmatched import catch_unmatched

BLUEPRINTS = (agents, execution, activity, analytics, credentials, keys)


def register_routes(app: Flask, prefix: str) -> None:
    """Mount every blueprint, the documents and the catch-all under ``prefix``."""
    api = ScopedApi(
        app,
        config_prefix="AIAGENTS_",
        spec_kwargs={
            "title": "AI agents",
            "version": __version__,
            "openapi_version": "3.1.0",
        },
    )
    api.describe_security(SECURITY_SCHEMES)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix=prefix)
    app.register_blueprint(docs_blueprint(api), url_prefix=prefix)
    catch_unmatched(app, prefix)
