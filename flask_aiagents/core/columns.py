"""The declarative base and the column types that read the same on all databases."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from .clock import utcnow, uuid7

MONEY_DIGITS = 12
"""Places that an amount of USD is kept to."""

PICO = Decimal(1).scaleb(-MONEY_DIGITS)
"""The smallest amount, 10^-12 USD."""

MOST_USD = Decimal(9_223_372)
"""The largest amount of a row, on either side of zero: SQLite keeps pico-USD in 64 bits."""


class UTCDateTime(sa.TypeDecorator[datetime]):
    """An aware time in UTC with microseconds; naive values are refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name in ("mysql", "mariadb"):
            from sqlalchemy.dialects import mysql  # not for hosts on other databases

            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(sa.DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} is naive; give it a time zone.")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(sa.TypeDecorator[Decimal]):
    """USD as Decimal with 12 places: NUMERIC(20,12), and whole pico-USD on SQLite, whose sums are exact so."""

    impl = sa.Numeric(20, MONEY_DIGITS)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        impl = sa.BigInteger() if dialect.name == "sqlite" else sa.Numeric(20, MONEY_DIGITS)
        return dialect.type_descriptor(impl)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | int | None:
        if value is None or dialect.name != "sqlite":
            return value
        return int(value.quantize(PICO).scaleb(MONEY_DIGITS))

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        return Decimal(value).scaleb(-MONEY_DIGITS) if dialect.name == "sqlite" else Decimal(value)


JSONB = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
"""JSON in the database's own kind; Python's None is SQL's NULL."""


class Base(DeclarativeBase):
    """The base of our tables, apart from the host's."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class IdMixin:
    """A UUIDv7 as primary key: the order of ids is the order of time."""

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True, default=uuid7)


class TimestampMixin:
    """When a row was made and last changed."""

    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow, onupdate=utcnow)
