"""Logging in and out, and a guard for every form of the platform."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Blueprint, Flask, abort, redirect, render_template, request, url_for
from flask_login import LoginManager, login_user, logout_user
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.wrappers import Response

from .models import User, db

manager = LoginManager()
manager.login_view = "accounts.login"  # pyright: ignore[reportAttributeAccessIssue]

accounts = Blueprint("accounts", __name__)

_OWN_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20]*")
"""A path of this site. Browsers drop tabs and take a backslash for a slash, and two slashes begin a host."""

_NOBODY = generate_password_hash("")


def init_app(app: Flask) -> None:
    manager.init_app(app)
    app.register_blueprint(accounts)


@manager.user_loader
def load_user(username: str) -> User | None:
    return db.session.get(User, username)


@accounts.route("/login", methods=["GET", "POST"])
def login() -> Response | str | tuple[str, int]:
    refuse_foreign_forms()
    if request.method == "GET":
        return render_template("login.html")
    user = db.session.get(User, request.form.get("username", ""))
    password = request.form.get("password", "")
    if user is None or not user.has_password(password):
        if user is None:
            check_password_hash(_NOBODY, password)  # as slow as for a known name
        return render_template("login.html", wrong=True), 401
    login_user(user)
    return redirect(_own_page(request.args.get("next")))


@accounts.post("/logout")
def logout() -> Response:
    refuse_foreign_forms()
    logout_user()
    return redirect(url_for("accounts.login"))


def refuse_foreign_forms() -> None:
    """End a form that another site sent: every browser says where a POST comes from."""
    if request.method != "POST":
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        foreign = origin is not None and urlsplit(origin).netloc != request.host
    if foreign:
        abort(403)


def _own_page(wanted: str | None) -> str:
    return wanted if wanted and _OWN_PATH.fullmatch(wanted) else url_for("pages.home")
