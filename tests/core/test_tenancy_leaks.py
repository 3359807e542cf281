"""The ways round a tenant's guards that others have met, each one closed: on SQLite, and on PostgreSQL with a
role that owns nothing, with row-level security and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import sqlalchemy as sa
from leak_models import Owned, Shared, Strict, prepare
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session, aliased
from sqlalchemy.schema import DropTable
from support.databases import Roles, fresh_postgres

from flask_aiagents import SYSTEM, Scope, tenant_scope
from flask_aiagents.core.tenancy import Prepared, TenantSession
from flask_aiagents.errors import ScopeError

ACME = Scope(tenant_id="acme")

STRICT_TABLE: Any = Strict.__table__

BARE_TABLE = sa.table(Strict.__tablename__, sa.column("name"))

Leak = Callable[[TenantSession], Any]


KINDS = ["sqlite", "postgresql", "postgresql with row-level security"]


@pytest.fixture(params=KINDS, scope="module")
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    """A database that holds rows of acme, of globex and of nobody; tests roll back what they do."""
    if request.param == "sqlite":
        engine = sa.create_engine(f"sqlite:///{tmp_path_factory.mktemp('leaks')}/leaks.db")
        prepare(engine, walled=False)
        yield engine
        engine.dispose()
        return
    with fresh_postgres() as roles:
        engine, owner = sa.create_engine(roles.app), sa.create_engine(roles.owner, poolclass=sa.NullPool)
        prepare(owner, walled=request.param != "postgresql", grant_to=sa.make_url(roles.app).username)
        yield engine
        engine.dispose()


READS: dict[str, tuple[Leak, Any]] = {
    "strict rows": (lambda s: s.scalars(sa.select(Strict.name)).all(), ["acme"]),
    "shared rows": (lambda s: s.scalars(sa.select(Shared.name).order_by(Shared.id)).all(), ["acme", "nobody"]),
    "whole objects": (lambda s: [row.name for row in s.scalars(sa.select(Strict))], ["acme"]),
    "count of select_from": (lambda s: s.scalar(sa.select(sa.func.count()).select_from(Strict)), 1),
    "alias": (lambda s: s.scalars(sa.select(aliased(Strict).name)).all(), ["acme"]),
    "in subquery": (
        lambda s: s.scalars(sa.select(Shared.name).where(Shared.id.in_(sa.select(Strict.id)))).all(),
        ["acme"],
    ),
    "from subquery": (lambda s: s.execute(sa.select(sa.select(Strict.name).subquery())).scalars().all(), ["acme"]),
    "cte": (lambda s: s.execute(sa.select(sa.select(Strict.name).cte())).scalars().all(), ["acme"]),
    "union": (
        lambda s: sorted(s.execute(sa.union_all(sa.select(Strict.name), sa.select(Shared.name))).scalars()),
        ["acme", "acme", "nobody"],
    ),
    "exists": (lambda s: s.scalar(sa.select(sa.exists(sa.select(Strict.id).where(Strict.id == 2)))), False),
    "correlated exists": (
        lambda s: s.scalars(
            sa.select(Shared.name).where(sa.select(Strict.id).where(Strict.id == Shared.id).exists())
        ).all(),
        ["acme"],
    ),
    "correlated subquery": (
        lambda s: s.execute(
            sa.select(Shared.name, sa.select(Strict.name).where(Strict.id == Shared.id).scalar_subquery())
        ).all(),
        [("acme", "acme"), ("nobody", None)],
    ),
    "count of a column": (lambda s: s.scalar(sa.select(sa.func.count(Strict.id))), 1),
    "order by a joined model": (
        lambda s: s.scalars(sa.select(Strict.name).join(Shared).order_by(Shared.name)).all(),
        ["acme"],
    ),
    "outer join": (
        lambda s: s.execute(sa.select(Shared.id, Strict.id).outerjoin(Strict).order_by(Shared.id)).all(),
        [(1, 1), (3, None)],
    ),
    "join": (
        lambda s: s.execute(sa.select(Strict.name).join(Shared, Shared.id != Strict.id)).scalars().all(),
        ["acme"],
    ),
    "relationship join": (lambda s: s.scalars(sa.select(Strict.name).join(Strict.parent)).all(), ["acme"]),
    "legacy query": (lambda s: s.query(Strict).count(), 1),
    "get": (lambda s: [s.get(Strict, key) is not None for key in (1, 2, 3)], [True, False, False]),
    "get of a shared row": (lambda s: [s.get(Shared, key) is not None for key in (1, 2, 3)], [True, False, True]),
    "lazy many-to-one": (
        lambda s: [row.parent and row.parent.name for row in s.scalars(sa.select(Strict))],
        ["acme"],
    ),
    "returning of an update": (
        lambda s: s.execute(sa.update(Strict).values(name="x").returning(Strict.id)).scalars().all(),
        [1],
    ),
}

REFUSED: dict[str, Leak] = {
    "textual SQL": lambda s: s.execute(sa.text("SELECT * FROM ai_agent_test_strict")),
    "from_statement": lambda s: s.scalars(
        sa.select(Strict).from_statement(sa.text("SELECT * FROM ai_agent_test_strict"))
    ),
    "Core table": lambda s: s.execute(sa.select(STRICT_TABLE)),
    "Core column": lambda s: s.execute(sa.select(STRICT_TABLE.c.name)),
    "Core join": lambda s: s.execute(sa.select(Shared.name).join(STRICT_TABLE, sa.true())),
    "Core subquery": lambda s: s.execute(
        sa.select(Shared.name).where(Shared.id.in_(sa.select(STRICT_TABLE.c.id)))
    ),
    "literal column": lambda s: s.execute(
        sa.select(sa.literal_column("name")).select_from(sa.text("ai_agent_test_strict"))
    ),
    "literal condition": lambda s: s.execute(sa.select(Strict.name).where(sa.text("1 = 1"))),
    "a model that only a condition names": lambda s: s.execute(
        sa.select(Shared.name).where(Strict.id != Shared.id, Strict.name == "globex")
    ),
    "an alias that only a condition names": lambda s: s.execute(
        sa.select(Strict.name).where(aliased(Strict, name="other").name == "globex")
    ),
    "a model that only a subquery's condition names": lambda s: s.execute(
        sa.select(Shared.name, sa.select(Shared.id).where(Strict.name == "globex").subquery())
    ),
    "a model that only an update's condition names": lambda s: s.execute(
        sa.update(Shared).values(name="x").where(Shared.id == Strict.id)
    ),
    "a bare table": lambda s: s.execute(sa.select(sa.column("name")).select_from(BARE_TABLE)),
    "a textual suffix": lambda s: s.execute(
        sa.select(Strict.name).suffix_with("UNION SELECT name FROM ai_agent_test_strict")
    ),
    "a hint": lambda s: s.execute(
        sa.select(Strict.name).with_statement_hint("UNION SELECT name FROM ai_agent_test_strict")
    ),
    "DDL": lambda s: s.execute(DropTable(STRICT_TABLE)),
    "Core insert": lambda s: s.execute(sa.insert(STRICT_TABLE).values(id=9, tenant_id="globex", name="x")),
    "ORM insert": lambda s: s.execute(sa.insert(Strict), [{"id": 9, "tenant_id": "globex", "name": "x"}]),
    "Core update": lambda s: s.execute(sa.update(STRICT_TABLE).values(name="x")),
    "Core delete": lambda s: s.execute(sa.delete(STRICT_TABLE)),
    "update by key": lambda s: s.execute(sa.update(Strict), [{"id": 2, "name": "x"}]),
    "update of the tenant": lambda s: s.execute(sa.update(Strict).values(tenant_id="globex")),
    "update in a CTE": lambda s: s.execute(
        sa.select(sa.update(Strict).values(name="x").returning(Strict.id).cte())
    ),
    "session.connection": lambda s: s.connection(),
    "bulk_save_objects": lambda s: s.bulk_save_objects([Strict(id=9, tenant_id="globex", name="x")]),
    "bulk_insert_mappings": lambda s: s.bulk_insert_mappings(Strict, [{"id": 9, "tenant_id": "globex"}]),  # pyright: ignore[reportArgumentType]
    "bulk_update_mappings": lambda s: s.bulk_update_mappings(Strict, [{"id": 2, "name": "x"}]),  # pyright: ignore[reportArgumentType]
    "insert_rows of another's key": lambda s: s.insert_rows(
        Shared, [{"id": 9, "tenant_id": "acme", "tenant_key": "globex", "name": "x"}]
    ),
    "insert_rows of another's": lambda s: s.insert_rows(Strict, [{"id": 9, "tenant_id": "globex", "name": "x"}]),
}


@pytest.mark.parametrize("name", READS)
def test_a_read_sees_own_and_shared_rows_only(engine: sa.Engine, name: str) -> None:
    """Whatever form a query takes, acme sees acme's rows, and shared ones where the model has them."""
    leak, expected = READS[name]
    with TenantSession(engine, scope=ACME) as session:
        assert leak(session) == expected


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_judged_is_refused(engine: sa.Engine, name: str) -> None:
    """A statement whose reach cannot be known raises and says what to use instead."""
    with TenantSession(engine, scope=ACME) as session, pytest.raises(ScopeError, match=r"Use|Write"):
        REFUSED[name](session)


def test_a_relationships_condition_sees_no_further(engine: sa.Engine) -> None:
    """has() asks about visible rows; before SQLAlchemy 2.1, which marks them, it is refused."""
    hidden = sa.select(Strict.name).where(Strict.parent.has(Shared.name == "globex"))
    refused = pytest.raises(ScopeError) if sa.__version__ < "2.1" else nullcontext()
    with TenantSession(engine, scope=ACME) as session, refused:
        assert session.scalars(hidden).all() == []


def test_writes_touch_own_rows_only(engine: sa.Engine) -> None:
    """UPDATE and DELETE leave foreign and shared rows alone, although shared ones can be read."""
    with TenantSession(engine, scope=ACME) as session:
        assert session.execute(sa.update(Shared).values(name="mine")).rowcount == 1  # pyright: ignore[reportAttributeAccessIssue]
        assert session.execute(sa.delete(Strict)).rowcount == 1  # pyright: ignore[reportAttributeAccessIssue]
        assert session.scalars(sa.select(Shared.name).order_by(Shared.id)).all() == ["mine", "nobody"]
        assert session.scalars(sa.select(Strict.name)).all() == []


FLUSHES: dict[str, Leak] = {
    "an insert for another tenant": lambda s: s.add(Strict(id=9, tenant_id="globex", name="x")),
    "moving an own row": lambda s: setattr(s.get(Strict, 1), "tenant_id", "globex"),
    "giving an own row to nobody": lambda s: setattr(s.get(Shared, 1), "tenant_id", None),
    "changing a shared row": lambda s: setattr(s.get(Shared, 3), "name", "x"),
    "deleting a shared row": lambda s: s.delete(s.get(Shared, 3)),
    "a shared key on a new row": lambda s: s.add(Shared(id=9, tenant_id="acme", tenant_key="", name="x")),
    "another's key on an own row": lambda s: setattr(s.get(Shared, 1), "tenant_key", "globex"),
    "a query as a value": lambda s: setattr(
        s.get(Strict, 1), "name", sa.select(sa.func.max(Strict.name)).scalar_subquery()
    ),
    "merging another's row": lambda s: s.merge(Strict(id=2, tenant_id="globex", name="x")),
}


@pytest.mark.parametrize("name", FLUSHES)
def test_a_flush_of_what_is_not_ones_own_is_refused(engine: sa.Engine, name: str) -> None:
    """Objects that belong elsewhere, or shall, do not get through a flush."""
    with TenantSession(engine, scope=ACME) as session, pytest.raises(ScopeError):
        _flushed(session, FLUSHES[name])


def _flushed(session: TenantSession, change: Leak) -> None:
    change(session)
    session.flush()


def test_an_object_from_another_session_is_not_let_in(engine: sa.Engine) -> None:
    """A foreign object cannot be attached, so the identity map never answers with it."""
    with TenantSession(engine, scope=SYSTEM) as session:
        foreign = session.get(Strict, 2)
        session.expunge(foreign)
    with TenantSession(engine, scope=ACME) as session, pytest.raises(ScopeError):
        session.add(foreign)


def test_a_users_scope_narrows_owned_rows(engine: sa.Engine) -> None:
    """With a user in the scope, rows of other users of the tenant cannot be read, changed or made."""
    with TenantSession(engine, scope=Scope(tenant_id="acme", user_id="bob")) as session:
        assert session.scalars(sa.select(Owned.name)).all() == ["bob's"]
        assert session.execute(sa.update(Owned).values(name="x")).rowcount == 1  # pyright: ignore[reportAttributeAccessIssue]
        session.add(Owned(id=9, user_id="alice", name="x"))
        with pytest.raises(ScopeError):
            session.flush()


BOB_RAW = Scope(tenant_id="acme", user_id="bob")

RAW: dict[str, tuple[Scope, str, Any]] = {
    "a user's rows": (BOB_RAW, "SELECT name FROM ai_agent_test_owned", ["bob's"]),
    "a count": (BOB_RAW, "SELECT count(*) FROM ai_agent_test_owned", [1]),
    "another user by name": (BOB_RAW, "SELECT name FROM ai_agent_test_owned WHERE user_id = 'alice'", []),
    "a join": (BOB_RAW, "SELECT o.name FROM ai_agent_test_strict s JOIN ai_agent_test_owned o ON true", ["bob's"]),
    "an update": (BOB_RAW, "UPDATE ai_agent_test_owned SET name = 'x' RETURNING id", [1]),
    "a deletion": (BOB_RAW, "DELETE FROM ai_agent_test_owned RETURNING id", [1]),
    "an insert of one's own": (
        BOB_RAW,
        "INSERT INTO ai_agent_test_owned (id, tenant_id, user_id, name) "
        "VALUES (9, 'acme', 'bob', 'x') RETURNING id",
        [9],
    ),
    "a whole tenant": (ACME, "SELECT name FROM ai_agent_test_owned ORDER BY id", ["bob's", "alice's"]),
    "the system": (SYSTEM, "SELECT count(*) FROM ai_agent_test_owned", [3]),
}
"""Statements that go round Python, with what row-level security leaves of them."""

RAW_REFUSED = {
    "an insert for another user": "INSERT INTO ai_agent_test_owned (id, tenant_id, user_id, name) "
    "VALUES (9, 'acme', 'alice', 'x')",
    "an insert for a namesake elsewhere": "INSERT INTO ai_agent_test_owned (id, tenant_id, user_id, name) "
    "VALUES (9, 'globex', 'bob', 'x')",
    "giving a row away": "UPDATE ai_agent_test_owned SET user_id = 'alice'",
}


@pytest.fixture(scope="module")
def walled() -> Iterator[sa.Engine]:
    """The rows on PostgreSQL behind row-level security, as the application's role sees them."""
    with fresh_postgres() as roles:
        engine, owner = sa.create_engine(roles.app), sa.create_engine(roles.owner, poolclass=sa.NullPool)
        prepare(owner, walled=True, grant_to=sa.make_url(roles.app).username)
        yield engine
        engine.dispose()


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("name", RAW)
def test_the_database_knows_the_user_where_python_cannot_look(walled: sa.Engine, name: str) -> None:
    """SQL on the connection of a user's session touches that user's rows alone, a tenant's all of its own."""
    scope, statement, expected = RAW[name]
    with TenantSession(walled, scope=scope) as session:
        assert list(Session.connection(session).scalars(sa.text(statement))) == expected


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("name", RAW_REFUSED)
def test_the_database_refuses_rows_of_other_users(walled: sa.Engine, name: str) -> None:
    """A user's session writes no row for another user, whatever Python lets through."""
    with (
        TenantSession(walled, scope=BOB_RAW) as session,
        pytest.raises(ProgrammingError, match="row-level security"),
    ):
        Session.connection(session).execute(sa.text(RAW_REFUSED[name]))


@pytest.mark.requirement("R20")
def test_a_users_settings_end_with_the_transaction(walled: sa.Engine) -> None:
    """The next user of a pooled connection starts with nobody's rows."""
    for scope in (BOB_RAW, ACME, SYSTEM):
        with TenantSession(walled, scope=scope) as session:
            session.scalars(sa.select(Owned)).all()
            session.commit()
        with walled.connect() as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM ai_agent_test_owned")) == 0


PREPARED: dict[str, tuple[Scope, Any, list[Any]]] = {
    "shared rows": (ACME, sa.select(Shared.name), [("acme",), ("nobody",)]),
    "a user's rows": (BOB_RAW, sa.select(Owned.name), [("bob's",)]),
    "a tenant's rows": (ACME, sa.select(Owned.name), [("alice's",), ("bob's",)]),
    "a join": (ACME, sa.select(Shared.name, Owned.name.label("owned")).join(Owned, Owned.id == 3), []),
    "an outer join": (
        BOB_RAW,
        sa.select(Shared.name, Owned.name.label("owned")).outerjoin(Owned, Owned.user_id == "bob"),
        [("acme", "bob's"), ("nobody", "bob's")],
    ),
    "the system's rows": (SYSTEM, sa.select(sa.func.count(Owned.id).label("number")), [(3,)]),
}


@pytest.mark.parametrize("name", PREPARED)
def test_a_prepared_statement_sees_what_others_see(engine: sa.Engine, name: str) -> None:
    """Compiled once, it is narrowed to the scope that runs it; nobody's parameters widen it."""
    scope, statement, expected = PREPARED[name]
    with TenantSession(engine, scope=scope) as session:
        assert sorted(session.rows(Prepared(statement), {"scope_tenant_id_1": "globex"})) == expected


def test_one_prepared_statement_serves_all_scopes(engine: sa.Engine) -> None:
    """What one tenant compiled gives the next one its own rows."""
    prepared, found = Prepared(sa.select(Shared.name).where(Shared.tenant_id.is_not(None))), []
    for scope in (ACME, Scope(tenant_id="globex"), SYSTEM, ACME):
        with TenantSession(engine, scope=scope) as session:
            found.append(sorted(row.name for row in session.rows(prepared, {})))
    assert found == [["acme"], ["globex"], ["acme", "globex"], ["acme"]]


@pytest.mark.parametrize("scope", [ACME, BOB_RAW], ids=["tenant", "user"])
def test_a_prepared_update_touches_own_rows_only(engine: sa.Engine, scope: Scope) -> None:
    """Neither shared nor foreign rows change, nor those of other users in a user's scope."""
    shared = Prepared(sa.update(Shared).values(name=sa.bindparam("new_name")))
    owned = Prepared(sa.update(Owned).values(name=sa.bindparam("new_name")))
    with TenantSession(engine, scope=scope) as session:
        assert session.change(shared, {"new_name": "x"}) == 1
        assert session.change(owned, {"new_name": "x"}) == (2 if scope is ACME else 1)


PREPARED_REFUSED: dict[str, Any] = {
    "a Core table": sa.select(STRICT_TABLE.c.name),
    "a literal condition": sa.select(Strict.name).where(sa.text("1 = 1")),
    "an update of the tenant": sa.update(Strict).values(tenant_id="globex"),
    "an update of a Core table": sa.update(STRICT_TABLE).values(name="x"),
    "a model that loads others": sa.select(Strict.name),
}


@pytest.mark.parametrize("name", PREPARED_REFUSED)
def test_a_prepared_statement_that_cannot_be_judged_is_refused(engine: sa.Engine, name: str) -> None:
    """The guard looks at it before it is compiled."""
    with TenantSession(engine, scope=ACME) as session, pytest.raises(ScopeError):
        session.rows(Prepared(PREPARED_REFUSED[name]), {})


@pytest.mark.requirement("R20")
def test_a_session_of_the_system_narrows_to_a_tenant(engine: sa.Engine) -> None:
    """From then on it sees that tenant's rows alone, also those that it has loaded before."""
    with TenantSession(engine, scope=SYSTEM) as session:
        assert len({row.name for row in session.scalars(sa.select(Strict))}) > 1
        session.go_on(ACME)
        assert session.scope == ACME
        assert [row.name for row in session.scalars(sa.select(Strict))] == ["acme"]
        assert session.get(Strict, 2) is None
        assert session.execute(sa.update(Owned).values(name="x")).rowcount == 2  # pyright: ignore[reportAttributeAccessIssue]
        with pytest.raises(ScopeError):
            session.insert_rows(Strict, [{"id": 9, "tenant_id": "globex", "name": "x"}])


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("scope", [ACME, BOB_RAW], ids=["tenant", "user"])
def test_the_database_knows_that_a_session_narrowed(walled: sa.Engine, scope: Scope) -> None:
    """Row-level security holds for the rest of the same transaction, where Python cannot look."""
    count = sa.text("SELECT count(*) FROM ai_agent_test_owned")
    with TenantSession(walled, scope=SYSTEM) as session:
        assert Session.connection(session).scalar(count) == 3
        session.go_on(scope)
        assert Session.connection(session).scalar(count) == (2 if scope is ACME else 1)


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(
    "wider", [SYSTEM, Scope(tenant_id="globex"), ACME], ids=["system", "other", "user's tenant"]
)
def test_a_session_never_widens(engine: sa.Engine, wider: Scope) -> None:
    """A tenant's session stays what it is, whether it narrowed before or began as that."""
    for first in (SYSTEM, BOB_RAW):
        with TenantSession(engine, scope=first) as session:
            session.go_on(BOB_RAW)
            with pytest.raises(ScopeError, match="another session"):
                session.go_on(wider)
            assert session.scalars(sa.select(Owned.name)).all() == ["bob's"]


def test_a_session_with_pending_changes_does_not_narrow(engine: sa.Engine) -> None:
    """What the system changed is never written by a tenant's session."""
    with TenantSession(engine, scope=SYSTEM) as session:
        session.add(Strict(id=9, tenant_id="globex", name="x"))
        with pytest.raises(ScopeError, match="pending"):
            session.go_on(ACME)


def test_a_tenant_is_filled_in(engine: sa.Engine) -> None:
    """A new row without a tenant gets the session's, one by one and in bulk."""
    with TenantSession(engine, scope=ACME) as session:
        session.add(Strict(id=8, name="one"))
        session.flush()
        session.insert_rows(Strict, [{"id": 9, "name": "many"}])
        assert session.scalar(sa.select(sa.func.count()).select_from(Strict)) == 3


def test_without_a_scope_there_is_no_session(engine: sa.Engine) -> None:
    """No tenant in scope: the session is refused, and so is switching inside another's scope."""
    with pytest.raises(ScopeError, match="tenant_scope"):
        TenantSession(engine)
    with tenant_scope("acme"):
        with TenantSession(engine) as session:
            assert session.scalars(sa.select(Strict.name)).all() == ["acme"]
        with pytest.raises(ScopeError), tenant_scope("globex"):
            pass


def test_row_level_security_holds_where_python_cannot_look(postgres: Roles) -> None:
    """A plain connection and a plain Session of the application's role see nothing and write nothing."""
    owner = sa.create_engine(postgres.owner, poolclass=sa.NullPool)
    prepare(owner, walled=True, grant_to=sa.make_url(postgres.app).username)
    engine = sa.create_engine(postgres.app, poolclass=sa.NullPool)
    for bind in (engine, owner):
        with bind.connect() as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM ai_agent_test_strict")) == 0
            assert connection.execute(sa.text("UPDATE ai_agent_test_strict SET name = 'x'")).rowcount == 0
        with Session(bind) as session:
            assert session.scalars(sa.select(Strict)).all() == []
    with TenantSession(engine, scope=ACME) as session:
        assert len(session.scalars(sa.select(Strict)).all()) == 1
        session.rollback()
        # the setting is local to the transaction: the next user of the pooled connection starts without
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM ai_agent_test_strict")) == 0
