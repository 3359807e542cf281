"""Row-level security on PostgreSQL: the second wall, which also stands where Python cannot look.

The settings ``aiagents.tenant_id``, ``aiagents.scope`` and ``aiagents.user_id`` are local to a transaction and set
when one begins. The scope is ``system``, ``tenant`` (all of the tenant's rows) or ``user`` (of owned tables the
user's rows alone). After the transaction a setting reads '' and not NULL, hence the ``nullif``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

from .tenancy.mixins import OwnedMixin

POLICY = "aiagents_tenant"

_OWN = "tenant_id = nullif(current_setting('aiagents.tenant_id', true), '')"
_SYSTEM = "current_setting('aiagents.scope', true) = 'system'"
_USER = (
    "(current_setting('aiagents.scope', true) = 'tenant'"
    " OR user_id = nullif(current_setting('aiagents.user_id', true), ''))"
)


def enable(table: str, *, shared: bool = False, owned: bool = False) -> list[str]:
    """Return the statements that put a table behind row-level security.

    :param shared: rows without a tenant can be read by all.
    :param owned: rows belong to a user: a scope with a user sees and writes that user's alone.
    """
    write = f"({_OWN} AND {_USER} OR {_SYSTEM})" if owned else f"({_OWN} OR {_SYSTEM})"
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
    open_to_users: tuple[str, ...] = ()
    """Tables of rows that belong to users, with a policy that does not check the user."""

    @property
    def in_force(self) -> bool:
        return not (self.superuser or self.bypasses or self.open_tables or self.open_to_users)


_ROLE = sa.text("SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")

_TABLES = sa.text(
    "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS walled, "
    "pg_get_userbyid(c.relowner) = current_user AS owned FROM pg_class c "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' "
    "WHERE c.relkind IN ('r', 'p') AND c.relname LIKE 'ai\\_agent%' "
    "AND c.relnamespace = ANY (SELECT oid FROM pg_namespace WHERE nspname = ANY (current_schemas(false)))"
)


_CHECKS_NO_USER = sa.text(
    "SELECT DISTINCT tablename FROM pg_policies WHERE schemaname = ANY (current_schemas(false)) "
    "AND tablename = ANY (:tables) AND strpos(concat(qual, with_check), 'aiagents.user_id') = 0 ORDER BY tablename"
)


def inspect_wall(connection: sa.Connection, owned: Iterable[str] = ()) -> Wall:
    """Ask the catalogue about the connection's role and our tables.

    :param owned: the tables whose rows belong to users.
    """
    role, superuser, bypasses = connection.execute(_ROLE).one()
    tables = connection.execute(_TABLES).all()
    unwalled = tuple(sorted(row.relname for row in tables if not row.walled))
    blind = tuple(connection.scalars(_CHECKS_NO_USER, {"tables": list(owned)}))
    return Wall(role, superuser, bypasses, any(row.owned for row in tables), unwalled, blind)


def owned_tables(base: type[DeclarativeBase]) -> list[str]:
    """Return the tables of a base's models whose rows belong to users."""
    mappers = (mapper for mapper in base.registry.mappers if issubclass(mapper.class_, OwnedMixin))
    return sorted(str(mapper.local_table.description) for mapper in mappers)
