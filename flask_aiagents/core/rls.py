"""Row-level security on PostgreSQL: the second wall, which also stands where Python cannot look.

The settings ``aiagents.tenant_id`` and ``aiagents.scope`` are local to a transaction and set when one begins.
After it a setting reads '' and not NULL, hence the ``nullif``.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

POLICY = "aiagents_tenant"

_OWN = "tenant_id = nullif(current_setting('aiagents.tenant_id', true), '')"
_SYSTEM = "current_setting('aiagents.scope', true) = 'system'"


def enable(table: str, *, shared: bool = False) -> list[str]:
    """Statements that put a table behind the wall. On a shared table rows without a tenant can be read."""
    write = f"({_OWN} OR {_SYSTEM})"
    read = f"({_OWN} OR tenant_id IS NULL OR {_SYSTEM})" if shared else write
    statements = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
    ]
    clauses = {
        "SELECT": f"USING {read}",
        "INSERT": f"WITH CHECK {write}",
        "UPDATE": f"USING {write} WITH CHECK {write}",
        "DELETE": f"USING {write}",
    }
    for command, clause in clauses.items():
        name = f"{POLICY}_{command.lower()}"
        statements += [
            f"DROP POLICY IF EXISTS {name} ON {table}",
            f"CREATE POLICY {name} ON {table} FOR {command} {clause}",
        ]
    return statements


@dataclass(frozen=True, slots=True)
class Wall:
    """Whether row-level security holds for the role that asked."""

    role: str
    superuser: bool
    bypasses: bool
    owns: bool
    open_tables: tuple[str, ...]
    """Tenant tables on which it is not enabled and forced."""

    @property
    def in_force(self) -> bool:
        return not (self.superuser or self.bypasses or self.open_tables)


_ROLE = sa.text("SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")

_TABLES = sa.text(
    "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS walled, "
    "pg_get_userbyid(c.relowner) = current_user AS owned FROM pg_class c "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' "
    "WHERE c.relkind IN ('r', 'p') AND c.relname LIKE 'ai\\_agent%' "
    "AND c.relnamespace = ANY (SELECT oid FROM pg_namespace WHERE nspname = ANY (current_schemas(false)))"
)


def inspect_wall(connection: sa.Connection) -> Wall:
    """Ask the catalogue about the connection's role and our tables."""
    role, superuser, bypasses = connection.execute(_ROLE).one()
    tables = connection.execute(_TABLES).all()
    unwalled = tuple(sorted(row.relname for row in tables if not row.walled))
    return Wall(role, superuser, bypasses, any(row.owned for row in tables), unwalled)
