"""A host with users, sessions and Flask-Login of its own, as hosts have them."""

from __future__ import annotations

from typing import Any

from flask import Flask, request
from flask_login import LoginManager, UserMixin, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from flask_aiagents import AIAgents
from flask_aiagents.core.migrate import upgrade


class Base(DeclarativeBase):
    """The host's own."""


db = SQLAlchemy(model_class=Base)


class User(UserMixin, db.Model):
    """Loaded from the host's session on every request, as in most hosts."""

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str | None]
    role: Mapped[str]
    seen: Mapped[int] = mapped_column(default=0)


USERS = {1: ("acme", "tenant_admin"), 2: (None, "super_admin"), 3: ("acme", "janitor"), 4: (None, "user")}
"""A tenant admin, a super admin, an unknown role, a user without a tenant."""


def make_user(**values: Any) -> User:
    """A user; the type checker does not know the constructor that db.Model gives."""
    return User(**values)


def make_login_host(uri: str, **config: Any) -> Flask:
    """The host, with its users and our tables."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="test",
        SQLALCHEMY_DATABASE_URI=uri,
        AIAGENTS_MAINTENANCE_INTERVAL_S=0,
    )
    app.config.update(config)
    db.init_app(app)
    login = LoginManager(app)
    login.user_loader(lambda user_id: db.session.get(User, int(user_id)))
    AIAgents(app, db)

    @app.post("/login")
    def log_in() -> str:
        login_user(db.session.get_one(User, int(request.form["id"])))
        return "welcome"

    with app.app_context():
        db.create_all()
        for number, (tenant, role) in USERS.items():
            db.session.add(make_user(id=number, tenant_id=tenant, role=role))
        db.session.commit()
        upgrade(app.extensions["aiagents"].database)
        db.session.remove()
    return app


def logged_in(app: Flask, number: int) -> Any:
    """A browser in which this user is logged in, on the host's own pages."""
    client = app.test_client()
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    assert client.post("/login", data={"id": str(number)}).text == "welcome"
    return client
