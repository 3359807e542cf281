"""Claims: rows that say who does what only one process does at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from .clock import utcnow
from .columns import Base, UTCDateTime
from .db import Database
from .tenancy import SYSTEM, TenantSession


class Claim(Base):
    """Who may do what only one process does at a time."""

    __tablename__ = "ai_agent_claims"

    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(sa.String(64))
    until: Mapped[datetime] = mapped_column(UTCDateTime)


@contextmanager
def alone(database: Database, name: str) -> Iterator[TenantSession]:
    """A transaction that no other of this name overlaps: its first statement locks the row of the claim."""
    _make(database, name)
    with database.transaction(SYSTEM) as session:
        session.connection().execute(sa.update(Claim).where(Claim.name == name).values(until=utcnow()))
        yield session


def _make(database: Database, name: str) -> None:
    try:
        with database.transaction(SYSTEM) as session:
            if session.get(Claim, name) is None:
                session.add(Claim(name=name, holder="", until=utcnow()))
    except IntegrityError:
        pass  # another was faster
