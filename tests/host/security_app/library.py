"""A lending library on Flask-Security, as somebody might write it who has never heard of us."""

from __future__ import annotations

from typing import Any

from flask import Flask, abort, jsonify, request
from flask.typing import ResponseReturnValue
from flask_security import (
    Security,
    SQLAlchemyUserDatastore,
    auth_required,
    auth_token_required,
    current_user,
    hash_password,
    roles_required,
)
from flask_security.models import fsqla_v3
from flask_security.models.fsqla import FsModels
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Mapped, mapped_column

PASSWORD = "a word of honour"


def create_app(database_uri: str) -> Flask:
    """The library, with two branches and a reader and a librarian in one of them."""
    app = Flask("library")
    app.config.update(
        SECRET_KEY="library",
        SQLALCHEMY_DATABASE_URI=database_uri,
        SECURITY_PASSWORD_SALT="salt",
        SECURITY_PASSWORD_HASH="pbkdf2_sha512",
        SECURITY_REGISTERABLE=True,
        SECURITY_CHANGEABLE=True,
        SECURITY_SEND_REGISTER_EMAIL=False,
        SECURITY_SEND_PASSWORD_CHANGE_EMAIL=False,
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
    )
    db = SQLAlchemy(app)
    datastore = _make_datastore(db)
    Security(app, datastore)
    _add_routes(app, db)
    app.register_error_handler(404, lambda _: ("<h1>No such shelf</h1>", 404))
    app.register_error_handler(405, lambda _: ("<h1>Not that way</h1>", 405))
    app.register_error_handler(500, lambda _: ("<h1>The library is closed</h1>", 500))
    with app.app_context():
        db.create_all()
        _seed(datastore)
    return app


def _make_datastore(db: SQLAlchemy) -> SQLAlchemyUserDatastore:
    FsModels.set_db_info(db)
    base: Any = db.Model

    class Role(base, fsqla_v3.FsRoleMixin):
        pass

    class User(base, fsqla_v3.FsUserMixin):
        branch: Mapped[str] = mapped_column(default="north")

    class Book(base):
        id: Mapped[int] = mapped_column(primary_key=True)
        title: Mapped[str]
        lent_to: Mapped[int | None]

    db.__dict__["Book"] = Book
    return SQLAlchemyUserDatastore(db, User, Role)


def _seed(datastore: SQLAlchemyUserDatastore) -> None:
    librarian = datastore.create_role(name="librarian")
    for email, roles in (("reader@example.org", []), ("librarian@example.org", [librarian])):
        datastore.create_user(email=email, password=hash_password(PASSWORD), roles=roles)
    datastore.commit()


def _add_routes(app: Flask, db: Any) -> None:
    @app.get("/")
    def home() -> str:
        name = current_user.email if current_user.is_authenticated else "stranger"
        return f"<h1>Welcome, {name}</h1>"

    @app.get("/desk")
    @auth_required("session")
    @roles_required("librarian")
    def desk() -> str:
        return "<h1>The desk</h1>"

    @app.get("/api/books")
    @auth_required("session", "token")
    def books() -> ResponseReturnValue:
        return jsonify([book.title for book in db.session.scalars(db.select(db.Book))])

    @app.post("/api/books")
    @auth_token_required
    def add_book() -> ResponseReturnValue:
        db.session.add(db.Book(title=request.get_json()["title"]))
        db.session.commit()
        return jsonify(by=current_user.email), 201

    @app.get("/api/books/<int:book_id>")
    def book(book_id: int) -> ResponseReturnValue:
        return jsonify(title=(db.session.get(db.Book, book_id) or abort(404)).title)

    @app.get("/broken")
    def broken() -> str:
        raise ZeroDivisionError
