"""The platform's own Flask-Admin: its tenants and users. The agents' panel joins it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from flask import Flask, abort, has_request_context, request
from flask_admin import Admin, AdminIndexView, expose
from flask_admin.contrib.sqla import ModelView
from flask_login import current_user
from werkzeug.wrappers import Response

from .login import manager
from .models import Tenant, User, db


class _Guarded:
    """Admins alone; everybody else goes to the login."""

    roles = ("super_admin", "tenant_admin")

    def is_accessible(self) -> bool:
        return current_user.is_authenticated and current_user.role in self.roles

    def inaccessible_callback(self, name: str, **_: Any) -> Response:
        return abort(403) if current_user.is_authenticated else manager.unauthorized()


class Home(_Guarded, AdminIndexView):
    """Where the platform's own admin begins."""

    @expose()
    def index(self) -> str:
        return self.render("admin/index.html")


class Readable(_Guarded, ModelView):
    """A table of the platform's, to look at."""

    can_create = can_edit = can_delete = False
    column_display_pk = True
    column_display_actions = False


class Tenants(Readable):
    """The platform's customers."""

    roles = ("super_admin",)
    column_list = ("id", "name")


class Users(Readable):
    """Who logs in; a tenant's admin sees its own people."""

    column_list = ("username", "role", "tenant_id")

    def get_query(self) -> Any:
        return self._own(super().get_query())

    def get_count_query(self) -> Any:
        return self._own(super().get_count_query())

    def get_one(self, id: Any) -> None:
        """There is no page of one user."""

    def _own(self, query: Any) -> Any:
        return (
            query if current_user.role == "super_admin" else query.filter(User.tenant_id == current_user.tenant_id)
        )


def make_admin(app: Flask) -> Admin:
    """The platform's Flask-Admin under ``/admin``. Every page shows its name."""
    _translate(app)
    admin = Admin(app, name="Parcel (synthetic data)", index_view=Home())
    admin.add_view(Tenants(Tenant, db, name="Tenants", endpoint="platform_tenants"))
    admin.add_view(Users(User, db, name="Users", endpoint="platform_users"))
    return admin


def _translate(app: Flask) -> None:
    """Initialize Flask-Babel where it is installed: Flask-Admin uses it then, and its pages fail without."""
    if find_spec("flask_babel"):
        from flask_babel import Babel  # the example does not require it

        Babel(app, locale_selector=_language)


def _language() -> str | None:
    return request.accept_languages.best_match(("en", "de")) if has_request_context() else None
