"""Every ``AIAGENTS_*`` key, its default and its meaning; read once into frozen :class:`Settings`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .config_values import converted, refuse_unknown

AGENT_TYPES = (
    "analyst",
    "analytical",
    "assistant",
    "automation",
    "chatbot",
    "classifier",
    "coder",
    "cognitive",
    "conversational",
    "custom",
    "customer_support",
    "extractor",
    "generative",
    "orchestrator",
    "predictive",
    "researcher",
    "reviewer",
    "summarizer",
    "translator",
    "writer",
)
"""The agent types that come with us; ``AIAGENTS_AGENT_TYPES`` adds to them."""

CAPABILITIES = (
    "chat",
    "classification",
    "code_generation",
    "code_review",
    "content_creation",
    "data_analysis",
    "document_processing",
    "extraction",
    "function_calling",
    "planning",
    "question_answering",
    "reasoning",
    "research",
    "structured_output",
    "summarization",
    "text_generation",
    "tool_use",
    "translation",
    "vision",
    "web_search",
)
"""The capabilities that come with us; ``AIAGENTS_CAPABILITIES`` adds to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The ``AIAGENTS_*`` part of an application's configuration. Field ``x_y`` is key ``AIAGENTS_X_Y``."""

    url_prefix: str = "/api"
    """Where the routes are mounted."""

    admin_url: str = "/aiagents"
    """Where the panel is when the host gives no Flask-Admin of its own; empty: there is none."""

    login_url: str | None = None
    """The login for the panel, a path of the app or a full URL; by default Flask-Login's ``login_view``."""

    always_require_same_origin: bool = False
    """Demand same-origin proof of every write without an API key. Set it where the host identifies users by
    something that comes without a cookie: an IP address, a client certificate, the header of an SSO proxy."""

    database_uri: str | None = None
    """The database to use when the host passes no ``db`` and registers no Flask-SQLAlchemy(-Lite)."""

    migration_uri: str | None = None
    """A second URI for migrations, for a role that owns the tables; the application's role gets grants."""

    encryption_keys: tuple[str, ...] = ()
    """Keys for stored secrets, 32 bytes in base64 each. The first encrypts, all decrypt."""

    allowed_hosts: tuple[str, ...] = ()
    """Hosts that a base_url may name although they are not public addresses."""

    trusted_origins: tuple[str, ...] = ()
    """Origins besides the providers' own to which keys of the environment may go, such as a gateway's."""

    agent_types: tuple[str, ...] = ()
    """Agent types besides :data:`AGENT_TYPES`."""

    capabilities: tuple[str, ...] = ()
    """Capabilities besides :data:`CAPABILITIES`."""

    default_model: str | None = None
    """The model of agents that are created without one, as ``provider:model``; without it they stay inactive."""

    role_cache_s: float = 5.0
    """Seconds that an answer of the host's ``current_role`` is kept in a process. A higher value asks the host
    less often, and lets the key of a deleted or demoted user work for longer; 0 asks at each request."""

    rate_limit: str = "120/minute"
    """Executions of one user, in the notation of limits; empty switches it off."""

    tenant_rate_limit: str = "1200/minute"
    """Executions of all users of one tenant together; empty switches it off."""

    activity_rows_limit: str = "60000/minute"
    """Rows that the clients of one tenant may post into the log; empty switches it off."""

    activity_bytes_limit: str = "33554432/minute"
    """Bytes of the bodies in which they do; empty switches it off."""

    rate_limit_storage_uri: str = "memory://"
    """Where counts live: one process's memory, or ``redis://...`` for several processes."""

    max_running: int = 24
    """Executions, log streams and exports that run at once in a process; 0 for no limit. Each takes a thread of
    the server, so leave 8 threads for all other requests."""

    max_running_per_tenant: int = 16
    """How many of these one tenant may have in a process, so that others can run theirs; 0 for no limit."""

    max_running_per_user: int = 8
    """How many of these one user may have in a process; 0 for no limit."""

    max_executions_per_tenant: int = 0
    """Executions that one tenant runs at once in all processes, counted in the database; 0 for no limit."""

    max_active_requests_per_tenant: int = 2
    """Requests of one tenant that a process works on at once; others wait in line up to 10 s and count as running
    meanwhile. Python runs one thread at a time, so more would slow other tenants down. 0 for no limit."""

    max_body_bytes: int = 1_048_576
    """Largest request body; bulk logs get twice as much. A body is parsed while all other threads wait."""

    max_response_bytes: int = 8_388_608
    """Largest answer that is read from a model."""

    connect_timeout_s: float = 5.0
    first_byte_timeout_s: float = 60.0
    idle_timeout_s: float = 30.0
    """Seconds that one call to a model may wait: to connect, for the first byte, between two bytes."""

    timeout_s: float = 120.0
    """Seconds that one whole execution may take; an agent's own ``timeout_s`` replaces it."""

    max_retries: int = 2
    """Further tries a model after 408, 409, 429, 5xx and connection errors."""

    max_tool_rounds: int = 8
    max_tool_calls: int = 16
    tool_timeout_s: float = 30.0
    """Bounds of the tool loop: rounds and calls an execution, seconds a call."""

    maintenance_interval_s: float = 10.0
    """Seconds between two ticks of the maintenance thread; 0 starts none, and so does ``TESTING``."""

    statement_timeout_s: float = 10.0
    """Seconds that the database may work on one statement of a list, an export or analytics; 0 is no limit.
    Maintenance and migrations have none."""

    expensive_reads_per_user: int = 8
    expensive_reads_per_tenant: int = 10
    expensive_reads_per_process: int = 12
    """Analytics, exports and lists with patterns or counts that may run at once in one process; 0 is no limit.
    Each holds a database connection: keep the last one below the size of the host's pool (15 by default)."""

    log_retention_days: Mapping[str, int] | None = None
    """Days that logs are kept of tenants without a rule of their own: ``365``, or ``{"execute": 90, "*": 365}``
    by action; 0 or nothing is for good. Figures stay."""

    prices: Mapping[str, Mapping[str, str]] | None = None
    """Prices that replace the catalogue's: ``{"provider:model": {"input": "0.15", "output": "0.60"}}`` in
    USD a million tokens; docs/configuration.md lists the optional parts."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Read an app's configuration; strings are converted, so that environment variables serve too.

        :raises ConfigurationError: for an unknown key, or a value that its setting cannot have.
        """
        known = {f"AIAGENTS_{field.name.upper()}": field for field in fields(cls)}
        refuse_unknown((key for key in config if key.startswith("AIAGENTS_")), known)
        given = {known[key]: config[key] for key in known.keys() & config.keys()}
        return cls(**{field.name: converted(field.name, field.default, value) for field, value in given.items()})
