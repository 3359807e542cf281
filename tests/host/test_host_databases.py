from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import alchemical.aio
import alchemical.flask
import flask_sqlalchemy
import flask_sqlalchemy_lite
import pytest
import sqlalchemy as sa
from database_hosts import KINDS, WITH_SESSION, Visit, make_database_host
from flask import Flask
from sqlalchemy.orm import Session
from support.cast import ALICE, OFFLINE, Clients, make_agent
from support.databases import Roles
from support.hosts import close

from flask_aiagents import AIAgents, ConfigurationError, current_aiagents

AGENT = {"name": "Mine", "model_config": OFFLINE}
NOWHERE = "postgresql+psycopg://someone:hunter2@127.0.0.1:1/nothing"

Made = tuple[Flask, Callable[[], Session]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Made]]:
    """Makes hosts of a kind, and closes them."""
    made: list[Flask] = []

    def make(name: str, uri: str | None = None, **pool: Any) -> Made:
        app, session = make_database_host(name, uri or f"sqlite:///{tmp_path}/host.db", **pool)
        made.append(app)
        return app, session

    yield make
    for app in made:
        close(app)


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_of_database_serves(make: Callable[..., Made], name: str) -> None:
    """Routes, panel and commands work in the database that the host passed."""
    app, _ = make(name)
    alice = Clients.of(app).alice
    agent = make_agent(alice, "Everywhere")
    assert alice.post(f"/api/ai_agents/{agent['id']}/execute", json={"input": "hi"}).status_code == 200
    assert "Everywhere" in alice.get("/aiagents/agents/").text
    assert app.test_cli_runner().invoke(args=["aiagents", "db", "check"]).exit_code == 0
    tables = sa.inspect(app.extensions["aiagents"].database.engine).get_table_names()
    assert {"visits", "ai_agents"} <= set(tables)


@pytest.mark.parametrize("name", WITH_SESSION)
def test_a_session_that_read_gives_its_connection_back(make: Callable[..., Made], name: str) -> None:
    """With a pool of one, a hook of the host that reads and our route still get along."""
    app, session = make(name, pool_size=1, max_overflow=0, pool_timeout=1)

    @app.before_request
    def look() -> None:
        session().scalars(sa.select(Visit)).all()

    alice = Clients.of(app).alice
    assert alice.post("/api/ai_agents", json=AGENT).status_code == 201
    assert alice.get("/aiagents/agents/").status_code == 200


@pytest.mark.parametrize("name", WITH_SESSION)
@pytest.mark.parametrize("flushed", [False, True])
def test_pending_writes_stay_pending(make: Callable[..., Made], postgres: Roles, name: str, flushed: bool) -> None:
    """What the host's session holds when our route works is neither lost nor committed by it."""
    app, session = make(name, postgres.owner)
    committed_early: list[int] = []

    def visit() -> None:
        session().add(Visit())
        if flushed:
            session().flush()

    def commit(response: Any) -> Any:
        with Session(app.extensions["aiagents"].database.engine) as another:
            committed_early.append(another.scalar(sa.select(sa.func.count(Visit.id))) or 0)
        session().commit()
        return response

    app.before_request(visit)
    app.after_request(commit)
    assert Clients.of(app).alice.get("/api/ai_agents").status_code == 200
    assert committed_early == [0]
    with app.app_context():
        assert session().scalar(sa.select(sa.func.count(Visit.id))) == 1


@pytest.mark.parametrize("name", WITH_SESSION)
def test_an_open_write_on_the_same_file_is_refused_at_once(make: Callable[..., Made], name: str) -> None:
    """A service called while the host's session holds SQLite's lock says to commit first, and works after it."""
    app, session = make(name)
    with app.app_context():
        session().add(Visit())
        session().flush()
        with pytest.raises(ConfigurationError, match="Commit your session first"):
            current_aiagents.agents.create(AGENT, principal=ALICE)
        session().commit()
        assert current_aiagents.agents.create(AGENT, principal=ALICE).name == "Mine"


def test_a_session_that_the_host_opens_itself_is_watched_too(make: Callable[..., Made]) -> None:
    """Alchemical's ``with db.Session()`` holds the lock as its request session does."""
    app, session = make("Alchemical")
    with app.app_context():
        maker = type(session())
        with maker(bind=current_aiagents.database.engine) as own:
            own.add(Visit())
            own.flush()
            with pytest.raises(ConfigurationError, match="Commit your session first"):
                current_aiagents.agents.create(AGENT, principal=ALICE)
            own.commit()
        current_aiagents.agents.create(AGENT, principal=ALICE)


def test_the_registered_extension_is_found(tmp_path: Path) -> None:
    """Flask-SQLAlchemy and Flask-SQLAlchemy-Lite need not be passed; a URI that is passed wins over both."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_ENGINES"] = {"default": f"sqlite:///{tmp_path}/found.db"}
    flask_sqlalchemy_lite.SQLAlchemy(app)
    AIAgents(app)
    assert str(app.extensions["aiagents"].database.engine.url).endswith("found.db")
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/found.db"
    flask_sqlalchemy.SQLAlchemy(app)
    AIAgents(app, f"sqlite:///{tmp_path}/passed.db")
    assert str(app.extensions["aiagents"].database.engine.url).endswith("passed.db")


def _async_engine() -> Any:
    engine = sa.create_engine("sqlite://")
    engine.dialect.is_async = True  # as with aiosqlite, which is not installed here
    return engine


@pytest.mark.parametrize(
    ("db", "message"),
    [
        (object(), "object, which is not supported.*Alchemical.*Engine"),
        (42, "int, which is not supported"),
        (Session(), "Session, which is not supported"),
        (_async_engine(), "asynchronous engine.*synchronous"),
        (alchemical.aio.Alchemical("postgresql://x/y"), "asynchronous Alchemical"),
        ("postgresql+asyncpg://someone:hunter2@host/x", "asynchronous driver"),
        ("not a uri hunter2", "cannot be read.*postgresql"),
        ("", "cannot be read"),
        ("nosuchdatabase://someone:hunter2@host/x", "cannot be read"),
        ("postgresql://someone:hunter2@host:notaport/x", "cannot be read"),
        (alchemical.flask.Alchemical(), "no database URL yet.*Initialize"),
        (flask_sqlalchemy_lite.SQLAlchemy(), r"not initialized.*db.init_app\(app\)"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_what_cannot_serve_is_refused_when_it_is_mounted(db: Any, message: str) -> None:
    """The error names what was passed and what may be; a password in it is not repeated."""
    with pytest.raises(ConfigurationError, match=message) as refused:
        AIAgents(Flask(__name__), db)
    assert "hunter2" not in str(refused.value)


def test_lite_without_a_synchronous_engine_is_refused() -> None:
    """A host with asynchronous engines alone is asked for a synchronous one."""
    app = Flask(__name__)
    db = flask_sqlalchemy_lite.SQLAlchemy(app, require_default_engine=False)
    with pytest.raises(ConfigurationError, match="SQLALCHEMY_ENGINES"):
        AIAgents(app, db)


def test_flask_sqlalchemy_may_be_initialized_later(tmp_path: Path) -> None:
    """Mounting before ``db.init_app(app)`` works; using the services before it says what is missing."""
    app, db = Flask(__name__), flask_sqlalchemy.SQLAlchemy()
    AIAgents(app, db)
    with pytest.raises(ConfigurationError, match=r"db\.init_app\(app\)"):
        _ = app.extensions["aiagents"].database.engine
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/later.db"
    db.init_app(app)
    assert app.extensions["aiagents"].database.engine.dialect.name == "sqlite"


@pytest.mark.parametrize("name", KINDS)
def test_mounting_connects_to_no_database(name: str) -> None:
    """A database that is away is no obstacle to a start."""
    kind, app = KINDS[name], Flask(__name__)
    app.config.update(kind.config(NOWHERE, {}))
    AIAgents(app, kind.make(app, NOWHERE, {}))
    assert app.test_client().get("/api/health").json == {"status": "ok"}
