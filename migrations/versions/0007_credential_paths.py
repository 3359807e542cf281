"""Bind stored provider keys to a path prefix, since gateways separate accounts by path.

An existing key gets the path of the base_url that its agent, or the agents of its tenant, use at its provider and
origin. Where they use several paths, or none is known, it stays valid for the whole origin. Its ciphertext stays;
``flask aiagents credentials rotate`` seals it for the path as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLE = "ai_agent_credentials"

_BEFORE = f"uq_{TABLE}_tenant_key_agent_key_provider_origin"
_PLACE = f"uq_{TABLE}_place"
_COLUMNS = ["tenant_key", "agent_key", "provider", "origin"]

_PATHS = {"openai": "/v1", "groq": "/openai/v1", "ollama": "/v1", "openai_compatible": "/v1"}
"""Path of a provider's requests where a base_url has none."""

_ORIGINS = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "groq": "https://api.groq.com",
    "ollama": "http://localhost:11434",
}

_CREDENTIALS = sa.table(
    TABLE,
    sa.column("id", sa.Uuid),
    sa.column("agent_id", sa.Uuid),
    *map(sa.column, (*_COLUMNS, "path_prefix")),
)
_AGENTS = sa.table(
    "ai_agents", sa.column("id", sa.Uuid), sa.column("tenant_id"), sa.column("model_config", sa.JSON)
)
_CONFIGURATIONS = sa.table(
    "ai_agent_configurations",
    sa.column("agent_id", sa.Uuid),
    sa.column("tenant_id"),
    sa.column("configuration", sa.JSON),
)

_CHECKS = (
    sa.CheckConstraint("agent_tenant_key IS NULL OR agent_tenant_key IN ('', tenant_key)", name="agent_tenant"),
    sa.CheckConstraint("tenant_key = coalesce(tenant_id, '')", name="tenant_key"),
)
"""Repeated because SQLite's copy of a table leaves its checks out."""


def upgrade() -> None:
    if "path_prefix" not in _names("columns"):
        op.add_column(TABLE, sa.Column("path_prefix", sa.String(255), nullable=False, server_default=""))
    if _PLACE not in _names("unique_constraints"):
        _fill()
        _replace_unique(_BEFORE, _PLACE, [*_COLUMNS, "path_prefix"])


def downgrade() -> None:
    if "path_prefix" not in _names("columns"):
        return
    # Of several keys for one origin the newest stays: the older schema holds one.
    newer, old = _CREDENTIALS.alias(), _CREDENTIALS
    same = [newer.c[name] == old.c[name] for name in _COLUMNS]
    doubled = sa.select(old.c.id).where(sa.exists().where(*same, newer.c.id > old.c.id))
    ids = op.get_bind().scalars(doubled).all()
    op.execute(sa.delete(old).where(old.c.id.in_(ids)))
    if _BEFORE not in _names("unique_constraints"):
        _replace_unique(_PLACE, _BEFORE, _COLUMNS)
    op.drop_column(TABLE, "path_prefix")


def _replace_unique(before: str, after: str, columns: list[str]) -> None:
    with op.batch_alter_table(TABLE, table_args=_CHECKS) as batch:
        if before in _names("unique_constraints"):
            batch.drop_constraint(before, type_="unique")
        batch.create_unique_constraint(after, columns)


def _fill() -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(_CREDENTIALS).where(_CREDENTIALS.c.path_prefix == "")).all():
        path = _path_of(connection, row)
        connection.execute(sa.update(_CREDENTIALS).where(_CREDENTIALS.c.id == row.id).values(path_prefix=path))


def _path_of(connection: sa.Connection, row: Any) -> str:
    used = {path for config in _configs(connection, row) if (path := _used_path(config, row)) is not None}
    if not used and row.origin == _ORIGINS.get(row.provider):
        used = {_PATHS.get(row.provider, "")}
    path = used.pop() if len(used) == 1 else ""
    return path if len(path) <= 255 else ""


def _configs(connection: sa.Connection, row: Any) -> Iterator[dict[str, Any]]:
    """Model configurations that the key may serve: its agent's or its tenant's, and their overrides."""
    agents, overrides = _AGENTS.c, _CONFIGURATIONS.c
    of_tenant = sa.or_(agents.tenant_id == row.tenant_key, agents.tenant_id.is_(None))
    served = agents.id == row.agent_id if row.agent_key else of_tenant
    matched = overrides.agent_id == agents.id
    if row.tenant_key:  # the key of a shared agent serves all tenants
        matched = sa.and_(matched, overrides.tenant_id == row.tenant_key)
    joined = sa.outerjoin(_AGENTS, _CONFIGURATIONS, matched)
    found = sa.select(agents.model_config, overrides.configuration).select_from(joined).where(served)
    for config, override in connection.execute(found):
        yield config
        yield config | (override or {})


def _used_path(config: dict[str, Any], row: Any) -> str | None:
    """The path that a configuration's requests have at the key's provider and origin; None elsewhere."""
    if config.get("provider") != row.provider:
        return None
    if not (url := config.get("base_url")):
        return _PATHS.get(row.provider, "") if row.origin == _ORIGINS.get(row.provider) else None
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = (parts.hostname or "").rstrip(".")
    port = "" if parts.port in (None, default) else f":{parts.port}"
    origin = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"
    return (parts.path.rstrip("/") or _PATHS.get(row.provider, "")) if origin == row.origin else None


def _names(what: str) -> set[str]:
    inspector = sa.inspect(op.get_bind())
    return {str(one["name"]) for one in getattr(inspector, f"get_{what}")(TABLE)}
