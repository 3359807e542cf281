"""A scope with ``agent_ids`` sees and writes rows about these agents alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from flask_aiagents import SYSTEM, Scope, TenantMixin
from flask_aiagents.core.tenancy import OfAgentMixin, TenantSession
from flask_aiagents.errors import ScopeError

ONE, OTHER = uuid4(), uuid4()


class Base(DeclarativeBase):
    """The tables of this test."""


class Folder(TenantMixin, Base):
    """Belongs to a tenant; loading it may load its notes."""

    __tablename__ = "folders"
    id: Mapped[int] = mapped_column(primary_key=True)
    notes: Mapped[list[Note]] = relationship()


class Note(TenantMixin, OfAgentMixin, Base):
    """Is about an agent, or about none."""

    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folders.id"))
    agent_id: Mapped[UUID | None] = mapped_column(sa.Uuid)
    text: Mapped[str] = mapped_column(sa.String(50), default="")


@pytest.fixture
def engine() -> Iterator[sa.Engine]:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    Base.metadata.create_all(engine)
    with TenantSession(engine, scope=SYSTEM) as session:
        session.add(Folder(id=1, tenant_id="acme"))
        for number, agent_id in enumerate((ONE, OTHER, None), 1):
            session.add(Note(id=number, tenant_id="acme", folder_id=1, agent_id=agent_id))
        session.add(Note(id=4, tenant_id="globex", folder_id=1, agent_id=ONE))
        session.commit()
    yield engine
    engine.dispose()


def limited(engine: sa.Engine) -> TenantSession:
    return TenantSession(engine, scope=Scope(tenant_id="acme", agent_ids=frozenset([ONE])))


def test_reads_and_writes_reach_the_agents_rows_alone(engine: sa.Engine) -> None:
    """Queries, get, relationships, updates and deletions pass over rows about other agents and about none."""
    with limited(engine) as session:
        assert session.scalars(sa.select(Note.id)).all() == [1]
        assert [session.get(Note, number) is not None for number in (1, 2, 3, 4)] == [True, False, False, False]
        folder = session.scalars(sa.select(Folder)).one()
        assert [note.id for note in folder.notes] == [1]
        unsynchronized: Any = {"synchronize_session": False}
        session.execute(sa.update(Note).values(text="changed"), execution_options=unsynchronized)
        session.commit()
        session.execute(sa.delete(Note), execution_options=unsynchronized)
        session.commit()
    with TenantSession(engine, scope=SYSTEM) as session:
        assert [(note.id, note.text) for note in session.scalars(sa.select(Note).order_by(Note.id))] == [
            (2, ""),
            (3, ""),
            (4, ""),
        ]


def test_rows_about_another_agent_are_refused(engine: sa.Engine) -> None:
    """Whether they are added, inserted in bulk, moved there, or brought from elsewhere."""
    with limited(engine) as session:
        session.add(Note(folder_id=1, agent_id=OTHER))
        with pytest.raises(ScopeError):
            session.flush()
    with limited(engine) as session, pytest.raises(ScopeError):
        session.insert_rows(Note, [{"folder_id": 1, "agent_id": OTHER, "text": ""}])
    with limited(engine) as session:
        session.scalars(sa.select(Note)).one().agent_id = OTHER
        with pytest.raises(ScopeError):
            session.flush()
    with TenantSession(engine, scope=SYSTEM) as session:
        foreign = session.get(Note, 2)
        session.expunge_all()
    with limited(engine) as session, pytest.raises(ScopeError):
        session.add(foreign)
    with limited(engine) as session:
        session.insert_rows(Note, [{"folder_id": 1, "agent_id": None, "text": "about none"}])
        session.commit()


def test_the_system_scope_has_no_such_limit() -> None:
    """It is the whole system, or no system scope."""
    with pytest.raises(ScopeError, match="limited to agents"):
        Scope(system=True, agent_ids=frozenset([ONE]))
