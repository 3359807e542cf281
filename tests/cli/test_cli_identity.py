"""What the doctor finds of the host's identity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, abort, g, redirect, request
from flask_jwt_extended import JWTManager, verify_jwt_in_request
from flask_login import LoginManager, UserMixin, current_user
from flask_sqlalchemy import SQLAlchemy
from running import run
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from support.hosts import ENCRYPTION_KEY, close, make_host

from flask_aiagents import AIAgents, Principal

Mount = Callable[..., Flask]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Makes a host with an identity callback, or with Flask-Login where it has none."""
    apps: list[Flask] = []

    def make(identity: Callable[[], Any] | None = None) -> Flask:
        aiagents = AIAgents(identity=identity) if identity else AIAgents()
        apps.append(make_host(f"sqlite:///{tmp_path}/host{len(apps)}.db", aiagents=aiagents))
        return apps[-1]

    yield make
    for app in apps:
        close(app)


def examined(app: Flask) -> tuple[int, str]:
    """The doctor's exit code and words."""
    result = run(app, "doctor")
    return result.exit_code, result.output


def test_no_login_and_no_key_is_a_problem(mount: Mount) -> None:
    """A host in which nobody can get in hears of the three ways out; with a key it is advice."""
    app = mount()
    code, output = examined(app)
    assert (code, "Nobody can get in" in output) == (1, True)
    for way in ("Flask-Login", "AIAgents(identity=...)", "flask aiagents keys create"):
        assert way in output
    made = run(app, "keys", "create", "--tenant", "acme", "--user", "alice", "--role", "user", "--name", "k")
    assert made.exit_code == 0, made.output
    code, output = examined(app)
    assert (code, "only API keys let anybody in" in output) == (0, True)


def test_a_host_may_say_that_it_needs_no_login(mount: Mount) -> None:
    """A callback for nobody is an identity."""
    code, output = examined(mount(lambda: None))
    assert code == 0, output
    assert "login" not in output


def test_flask_login_without_a_loader_is_a_problem(mount: Mount) -> None:
    """Flask-Login's own words name what is missing."""
    app = mount()
    manager = LoginManager(app)
    code, output = examined(app)
    assert (code, "Missing user_loader" in output) == (1, True)
    manager.user_loader(lambda _: None)
    code, output = examined(app)
    assert code == 0, output


@pytest.mark.parametrize(
    "identity",
    [lambda: request.headers["X-User"], lambda: g.user, lambda: 1 / 0, lambda: object(), lambda: "alice"],
)
def test_a_broken_callback_is_a_problem(mount: Mount, identity: Callable[[], Any]) -> None:
    """One that raises without a login, and one that returns what is no user."""
    code, output = examined(mount(identity))
    assert (code, "without a login" in output, "docs/identity.md" in output) == (1, True, True)
    assert "Traceback" not in output


def _by_token() -> None:
    verify_jwt_in_request()


@pytest.mark.parametrize(
    "identity",
    [lambda: abort(401), lambda: current_user, _by_token, lambda: Principal("1", "acme", "user"), lambda: g.user],
)
def test_a_sound_callback_is_no_finding(mount: Mount, identity: Callable[[], Any]) -> None:
    """Refusals that the host means, anonymous users, handlers and hooks of the host are seen for what they are."""
    app = mount(identity)
    app.config["JWT_SECRET_KEY"] = "x" * 32
    LoginManager(app).user_loader(lambda _: None)
    JWTManager(app)

    @app.before_request
    def load_user() -> None:
        g.user = None

    code, output = examined(app)
    assert code == 0, output
    assert "without a login" not in output


def test_a_hook_that_redirects_to_the_login_is_no_finding(mount: Mount) -> None:
    """What a hook of the host answers never reaches the callback."""
    app = mount(lambda: 1 / 0)
    app.before_request(lambda: redirect("/login"))
    code, output = examined(app)
    assert code == 0, output


def users_of(db: SQLAlchemy, columns: tuple[str, ...]) -> type[Any]:
    """A host's class of users that has these columns."""

    class User(UserMixin, db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)

    for name in columns:
        setattr(User, name, mapped_column(sa.String))
    return User


@pytest.fixture
def user_host(tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Makes a host with these columns and rows of users."""
    apps: list[Flask] = []

    def make(columns: tuple[str, ...], *users: dict[str, Any]) -> Flask:
        db = SQLAlchemy(model_class=type("Base", (DeclarativeBase,), {}))
        user_class = users_of(db, columns)
        app = Flask("host")
        app.config.update(
            SECRET_KEY="x",
            SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/users.db",
            AIAGENTS_ENCRYPTION_KEYS=ENCRYPTION_KEY,
        )
        db.init_app(app)
        LoginManager(app).user_loader(lambda user_id: db.session.get(user_class, user_id))
        AIAgents(app, db)
        assert run(app, "db", "upgrade").exit_code == 0
        with app.app_context():
            db.create_all() if users else None
            db.session.add_all(user_class(**user) for user in users)
            db.session.commit()
        apps.append(app)
        return app

    yield make
    for app in apps:
        close(app)


@pytest.mark.parametrize(
    ("columns", "words"),
    [((), "no role and no tenant_id"), (("role",), "has no tenant_id"), (("tenant_id",), "has no role")],
)
def test_users_without_role_or_tenant_are_a_problem(
    user_host: Callable[..., Flask], columns: tuple[str, ...], words: str
) -> None:
    """A class of users that Flask-Login knows is looked at before anybody logs in."""
    code, output = examined(user_host(columns))
    assert (code, words in output) == (1, True), output


ADMIN = {"role": "tenant_admin", "tenant_id": "acme"}


@pytest.mark.parametrize(
    ("users", "code", "words"),
    [
        ([], 0, None),
        ([ADMIN, {"role": "super_admin"}], 0, None),
        ([ADMIN, {"role": "janitor", "tenant_id": "acme"}], 0, "1 of 2 users"),
        ([{"role": "user"}, {"role": None, "tenant_id": "acme"}], 1, "2 of 2 users"),
    ],
)
def test_users_that_are_refused_are_counted(
    user_host: Callable[..., Flask], users: list[dict[str, Any]], code: int, words: str | None
) -> None:
    """Some without a valid role or tenant are advice, all of them a problem; no tables of the host are neither."""
    found, output = examined(user_host(("role", "tenant_id"), *users))
    assert (found, "cannot use AI agents" in output) == (code, words is not None), output
    assert words is None or words in output
