"""A believable host in the spirit of microblog: pages, forms, translations, an admin of its own.

It is a host as people write them: nothing in it was arranged for flask-aiagents but the last lines of the factory.
"""

from __future__ import annotations

import os
from typing import Any

from flask import Blueprint, Flask, abort, flash, g, redirect, render_template_string, request, url_for
from flask_admin import Admin, AdminIndexView, expose
from flask_admin.contrib.sqla import ModelView
from flask_admin.theme import Bootstrap4Theme
from flask_babel import Babel, get_locale
from flask_babel import gettext as _
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user, logout_user
from flask_moment import Moment
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect, FlaskForm
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from wtforms import StringField, SubmitField
from wtforms.validators import DataRequired, Length


class Base(DeclarativeBase):
    """The host's own."""


db = SQLAlchemy(model_class=Base)
login = LoginManager()
login.login_view = "auth.log_in"  # pyright: ignore[reportAttributeAccessIssue]
babel = Babel()
moment = Moment()
csrf = CSRFProtect()


class User(UserMixin, db.Model):
    """Somebody who writes."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    tenant_id: Mapped[str] = mapped_column(default="blog")
    role: Mapped[str] = mapped_column(default="user")


class Post(db.Model):
    """What somebody wrote."""

    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str]
    author: Mapped[str]


class LogInForm(FlaskForm):
    """By name alone."""

    name = StringField("Name", validators=[DataRequired()])
    submit = SubmitField("Log in")


class PostForm(FlaskForm):
    """A short text."""

    body = StringField("Say something", validators=[DataRequired(), Length(max=140)])
    submit = SubmitField("Post")


PAGE = """<!doctype html><html lang="{{ g.locale }}"><head><title>Blog</title>{{ moment.include_moment() }}</head>
<body>{% for text in get_flashed_messages() %}<p class="flash">{{ text }}</p>{% endfor %}
<h1>{{ title }}</h1>{% if form %}<form method="post">{{ form.hidden_tag() }}
{{ form[first].label }}{{ form[first] }}
{% for error in form[first].errors %}<em>{{ error }}</em>{% endfor %}{{ form.submit }}</form>{% endif %}
{% for post in posts or () %}<article>{{ post.author }}: {{ post.body }}</article>{% endfor %}</body></html>"""

auth = Blueprint("auth", __name__, url_prefix="/auth")
main = Blueprint("main", __name__)
errors = Blueprint("errors", __name__)


def page(title: str, **values: Any) -> str:
    return render_template_string(PAGE, title=title, **values)


@login.user_loader
def load_user(user_id: str) -> User | None:
    return db.session.get(User, int(user_id))


@auth.route("/login", methods=["GET", "POST"])
def log_in() -> Any:
    form = LogInForm()
    if not form.validate_on_submit():
        return page(_("Log in"), form=form, first="name")
    user = db.session.scalar(db.select(User).filter_by(name=form.name.data))
    if user is None:
        flash("Unknown name")
        return redirect(url_for("auth.log_in"))
    login_user(user)
    return redirect(request.args.get("next") or url_for("main.index"))


@auth.get("/logout")
def log_out() -> Any:
    logout_user()
    return redirect(url_for("main.index"))


@main.before_app_request
def set_locale() -> None:
    g.locale = str(get_locale())


@main.route("/", methods=["GET", "POST"])
@login_required
def index() -> Any:
    form = PostForm()
    if form.validate_on_submit():
        db.session.add(Post(body=form.body.data, author=current_user.name))  # pyright: ignore[reportCallIssue]
        db.session.commit()
        flash("Your post is live")
        return redirect(url_for("main.index"))
    return page(f"Hi, {current_user.name}", form=form, first="body", posts=db.session.scalars(db.select(Post)))


@main.get("/boom")
def boom() -> str:
    raise RuntimeError("boom")


@errors.app_errorhandler(404)
def not_found(_: Exception) -> Any:
    return page("File Not Found"), 404


@errors.app_errorhandler(500)
def internal(_: Exception) -> Any:
    db.session.rollback()
    return page("An unexpected error has occurred"), 500


class ClosedIndex(AdminIndexView):
    """The admin's first page, for who is logged in."""

    @expose("/")
    def index(self) -> Any:
        if not current_user.is_authenticated:
            abort(404)
        return super().index()


class ClosedModel(ModelView):
    """A list of the admin, for who is logged in."""

    def is_accessible(self) -> bool:
        return current_user.is_authenticated


def create_app(**config: Any) -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="secret", SQLALCHEMY_DATABASE_URI="sqlite:///blog.db", LANGUAGES=["en", "de"])
    app.config.update(config)
    db.init_app(app)
    login.init_app(app)
    babel.init_app(app, locale_selector=lambda: request.accept_languages.best_match(app.config["LANGUAGES"]))
    moment.init_app(app)
    csrf.init_app(app)
    for blueprint in (auth, main, errors):
        app.register_blueprint(blueprint)
    admin = Admin(app, name="Blog", theme=Bootstrap4Theme(), index_view=ClosedIndex())
    admin.add_view(ClosedModel(Post, db, name="Posts", endpoint="posts_admin"))

    @app.after_request
    def served_by(response: Any) -> Any:
        response.headers["X-Served-By"] = "blog"
        return response

    if os.environ.get("WITH_AIAGENTS"):
        from flask_aiagents import AIAgents

        AIAgents(app, db, admin=admin)
        for name, blueprint in app.blueprints.items():
            if name.startswith("aiagents"):
                csrf.exempt(blueprint)
    return app
