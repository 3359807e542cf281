"""Alembic plugin that keeps a host's autogenerate from dropping the tables of flask-aiagents.

Those tables have migrations of their own, so a host's metadata lacks them and ``alembic revision --autogenerate``
would drop them. The entry point in the group ``alembic.plugins`` loads this module into every Alembic command,
also where ``env.py`` never imports the app. A top-level module, because one under ``flask_aiagents`` would make
Alembic import that whole package.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext
    from alembic.operations.ops import UpgradeOps
    from alembic.runtime.plugins import Plugin
    from alembic.util import PriorityDispatchResult

VERSION_TABLE = "aiagents_alembic_version"
"""The version table of flask-aiagents; a host's own is usually ``alembic_version``."""

AGENTS, PREFIX = "ai_agents", "ai_agent_"
"""A table of this name, or whose name begins so, belongs to flask-aiagents, as do the log's partitions."""


def setup(plugin: Plugin) -> None:
    """Register with Alembic; called by it for the entry point."""
    from alembic.util import DispatchPriority

    plugin.add_autogenerate_comparator(keep_tables, "schema", priority=DispatchPriority.LAST)


def setup_for_app() -> None:
    """Register for hosts that name their own ``autogenerate_plugins``, which leave the entry point out.

    Does nothing unless Alembic is imported: a serving process does not need it.
    """
    if "alembic.autogenerate" not in sys.modules or _Module.is_registered:
        return
    from alembic.autogenerate import comparators
    from alembic.util import DispatchPriority

    _Module.is_registered = True
    comparators.dispatch_for("schema", priority=DispatchPriority.LAST)(keep_tables)


def keep_tables(context: AutogenContext, upgrade: UpgradeOps, _schemas: object) -> PriorityDispatchResult:
    """Remove the operations on tables of flask-aiagents, unless its own environment or the host's models ask."""
    from alembic.util import PriorityDispatchResult

    if context.migration_context.version_table != VERSION_TABLE:
        own = context.table_key_to_table
        upgrade.ops[:] = [operation for operation in upgrade.ops if not _is_foreign(operation, own)]
    return PriorityDispatchResult.CONTINUE


def is_ours(table: str | None) -> bool:
    """Whether a table, or a partition of one, belongs to flask-aiagents."""
    return table is not None and (table in (AGENTS, VERSION_TABLE) or table.startswith(PREFIX))


def _is_foreign(operation: Any, own: dict[str, Any]) -> bool:
    table, schema = getattr(operation, "table_name", None), getattr(operation, "schema", None)
    return is_ours(table) and (f"{schema}.{table}" if schema else table) not in own


class _Module(ModuleType):
    """Alembic 1.18.0 to 1.20.0 iterate over what an entry point names, as if it were a list of modules."""

    is_registered = False

    def __iter__(self) -> Iterator[ModuleType]:
        return iter((self,))


sys.modules[__name__].__class__ = _Module
