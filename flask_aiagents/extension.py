"""Mount the system in an app. This file only wires; what it wires lives elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.local import LocalProxy

import flask_aiagents_alembic

from .config import Settings
from .core.crypto import Keyring
from .core.db import Database, ReadLimits
from .core.floods import Floods
from .core.host_database import resolve
from .core.installed import EXTENSION, installation
from .core.maintenance import Maintenance
from .core.rates import RateStorage
from .core.shares import Shares
from .core.slots import SlotLimits, Slots
from .core.turns import Turns
from .errors import ConfigurationError
from .features.access.identity import HostIdentity, flask_login_user
from .features.access.keys import ApiKeys
from .features.access.policy import Policy
from .features.access.roles import CurrentRole, HostRoles
from .features.access.service import Access
from .features.activity import receivers
from .features.activity.meter import Meter
from .features.activity.payload import Payloads
from .features.activity.retention import Retention
from .features.activity.running import RunningLogs
from .features.activity.service import Activity
from .features.agents.configurations import Configurations
from .features.agents.schemas import Catalogue
from .features.agents.service import Agents, absent_agents
from .features.analytics.service import Analytics
from .features.credentials.service import Credentials
from .features.credentials.vault import Vault
from .features.erasure.service import Erasure
from .features.execution.limiter import Limiter
from .features.execution.plan import Planner
from .features.execution.service import Executions
from .llm.tools import ToolRegistry
from .routes import register_routes
from .surfaces.admin.names import HostNames
from .surfaces.cli import commands
from .web.host_routes import yield_to_host
from .web.page_headers import restore_last


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """The system as it is mounted in one app; ``current_aiagents`` in an app context."""

    settings: Settings
    database: Database
    tools: ToolRegistry
    access: Access
    keys: ApiKeys
    agents: Agents
    configurations: Configurations
    credentials: Credentials
    activity: Activity
    running: RunningLogs
    retention: Retention
    analytics: Analytics
    erasure: Erasure
    executions: Executions
    maintenance: Maintenance
    turns: Turns
    floods: Floods


class AIAgents:
    """The extension. One object serves several apps::

    aiagents = AIAgents(app, db)

    :param db: the host's Flask-SQLAlchemy, Flask-SQLAlchemy-Lite or Alchemical, a SQLAlchemy ``Engine`` or a
        database URI; by default the extension that is registered in the app, else ``AIAGENTS_DATABASE_URI``.
    :param identity: returns who is acting, a :class:`Principal` or an object with ``get_id()``, ``tenant_id``
        and ``role``, or None for nobody; by default Flask-Login's ``current_user``.
    :param policy: replaces what each role may do.
    :param admin: the host's Flask-Admin, which then shows the panel; without one it is at ``AIAGENTS_ADMIN_URL``.
    :param list_tenants: returns ids and names of the tenants, for the panel.
    :param labels: returns names for ids: ``labels("user", ["7"])`` -> ``{"7": "Alice"}``; the kinds are ``user``
        and ``tenant``.
    :param current_role: returns the role that a user has now in a tenant, ``current_role("7", "acme")``, or None
        for a deleted user: API keys of deleted users are refused, those of demoted ones are lowered.
    :param redact: returns what the log may keep of a request, an answer or the details of a change (JSON) instead
        of the whole: to take personal data out. Where it fails nothing of it is kept.
    """

    def __init__(
        self,
        app: Flask | None = None,
        db: Any = None,
        *,
        identity: Callable[[], object] = flask_login_user,
        policy: Policy | None = None,
        admin: Any = None,
        list_tenants: Callable[[], Iterable[tuple[str, str]]] | None = None,
        labels: Callable[[Any, list[str]], Mapping[str, str]] | None = None,
        redact: Callable[[Any], Any] | None = None,
        current_role: CurrentRole | None = None,
    ) -> None:
        self.tools = ToolRegistry()
        self._db = db
        self._identity = HostIdentity(identity)
        self._policy = policy or Policy()
        self._current_role = current_role
        self._admin = admin
        self._names = HostNames(list_tenants, labels)
        self._payloads = Payloads(redact)
        if app is not None:
            self.init_app(app, db)

    def tool(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Register a function that agents may call; its signature and docstring tell the model how::

        @aiagents.tool
        def order_status(order_id: int) -> str:
            "The status of one of the customer's orders."
        """
        self.tools.register(function)
        return function

    def init_app(self, app: Flask, db: Any = None, *, admin: Any = None) -> None:
        """Mount the system in an app: no thread is started and no table is touched.

        :param admin: the Flask-Admin of this app, where each app has its own.

        :raises ConfigurationError: when a setting is wrong, or the app is already mounted.
        """
        if EXTENSION in app.extensions:
            raise ConfigurationError("AIAgents is already mounted in this app.", hint="Call init_app once an app.")
        settings = Settings.from_config(app.config)
        mounted = self._install(app, settings, _database(app, self._db if db is None else db, settings))
        app.extensions[EXTENSION] = mounted
        receivers.connect(app, mounted.database, self._payloads)
        register_routes(app, settings.url_prefix.rstrip("/"))
        self._mount_panel(app, admin or self._admin, settings.admin_url.rstrip("/"))
        yield_to_host(app)
        restore_last(app)
        flask_aiagents_alembic.setup_for_app()
        app.cli.add_command(commands)

    def _mount_panel(self, app: Flask, admin: Any, url: str) -> None:
        if admin is not None or url:
            from .surfaces.admin.mount import mount  # a host without a panel starts without Flask-Admin

            mount(app, admin, url, self._names)

    def _install(self, app: Flask, settings: Settings, database: Database) -> Installation:
        keyring = Keyring(settings.encryption_keys)
        roles = HostRoles(self._current_role, settings.role_cache_s)
        access = Access(database, self._identity, self._policy, roles)
        catalogue = Catalogue(settings, self.tools.names)
        running = RunningLogs(database, access, settings, self._payloads)
        rates = RateStorage(settings.rate_limit_storage_uri)
        slots = Slots("executions, log streams, exports and waiting requests", _slot_limits(settings))
        shares = Shares()
        retention = Retention(database, access, settings.log_retention_days or {})
        analytics = Analytics(database, access)
        planner = Planner(app, settings, Vault(keyring, settings.trusted_origins), self.tools, shares)
        maintenance = Maintenance(database, settings.maintenance_interval_s)
        maintenance.add("expired leases", running.end_expired)
        maintenance.add("rollups", analytics.roll_up)
        maintenance.add("retention", retention.tick)
        maintenance.add("cached figures", analytics.refresh_cached)
        turns = Turns(settings.max_active_requests_per_tenant, slots, shares)
        return Installation(
            settings=settings,
            database=database,
            tools=self.tools,
            access=access,
            keys=ApiKeys(database, access, absent_agents),
            agents=Agents(database, access, catalogue),
            configurations=Configurations(database, access, catalogue),
            credentials=Credentials(database, access, keyring, settings),
            activity=Activity(database, access, self._payloads, slots, Meter(settings, rates)),
            running=running,
            retention=retention,
            analytics=analytics,
            erasure=Erasure(database, access, running),
            turns=turns,
            floods=Floods(turns),
            executions=Executions(database, access, running, planner, Limiter(settings, rates), slots),
            maintenance=maintenance,
        )


def _database(app: Flask, db: object, settings: Settings) -> Database:
    host = resolve(app, db, settings.database_uri)
    return Database(app, host.engine, host.session, settings.migration_uri, _limits(settings))


def _limits(settings: Settings) -> ReadLimits:
    return ReadLimits(
        settings.statement_timeout_s,
        SlotLimits(
            per_user=settings.expensive_reads_per_user,
            per_tenant=settings.expensive_reads_per_tenant,
            per_process=settings.expensive_reads_per_process,
        ),
    )


def _slot_limits(settings: Settings) -> SlotLimits:
    return SlotLimits(
        per_process=settings.max_running,
        per_tenant=settings.max_running_per_tenant,
        per_user=settings.max_running_per_user,
    )


current_aiagents: Installation = LocalProxy(installation)  # pyright: ignore[reportAssignmentType]
"""The services of the current app: ``current_aiagents.agents.create({...})``."""
