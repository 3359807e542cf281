"""Small models of each mixin, as a host would declare them, with rows of two tenants."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from flask_aiagents import SYSTEM, OwnedMixin, SharedTenantMixin, TenantMixin
from flask_aiagents.core.rls import enable
from flask_aiagents.core.tenancy import TenantSession


class Base(DeclarativeBase):
    """The host's."""


class Strict(TenantMixin, Base):
    """Rows of one tenant."""

    __tablename__ = "ai_agent_test_strict"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(50))
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ai_agent_test_shared.id"))
    parent: Mapped[Shared | None] = relationship()


class Shared(SharedTenantMixin, Base):
    """Rows of one tenant, or of all."""

    __tablename__ = "ai_agent_test_shared"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(50))


class Owned(TenantMixin, OwnedMixin, Base):
    """Rows of one user."""

    __tablename__ = "ai_agent_test_owned"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(50))


TABLES = (Strict.__tablename__, Shared.__tablename__, Owned.__tablename__)


def prepare(engine: sa.Engine, *, walled: bool, grant_to: str | None = None) -> None:
    """Create the tables with their rows, behind row-level security if wanted."""
    Base.metadata.create_all(engine)
    with TenantSession(engine, scope=SYSTEM) as session:
        session.add_all(_rows())
        session.commit()
    with engine.begin() as connection:
        for statement in _statements(walled, grant_to):
            connection.execute(sa.text(statement))


def _rows() -> Iterable[Base]:
    for number, tenant in enumerate(("acme", "globex", None), 1):
        name = tenant or "nobody"
        yield Shared(id=number, tenant_id=tenant, name=name)
        yield Strict(id=number, tenant_id=tenant, name=name, parent_id=number)
    yield Owned(id=1, tenant_id="acme", user_id="bob", name="bob's")
    yield Owned(id=2, tenant_id="acme", user_id="alice", name="alice's")
    yield Owned(id=3, tenant_id="globex", user_id="bob", name="another bob's")


def _statements(walled: bool, grant_to: str | None) -> Iterable[str]:
    for table in TABLES:
        if walled:
            yield from enable(table, shared=table == Shared.__tablename__, owned=table == Owned.__tablename__)
        if grant_to:
            yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {grant_to}"
