"""The base of every page: who sees it, what it may do, and Flask-Admin's traps closed in one place.

A request goes through :meth:`PanelView._handle_view`: the principal is the host's (nobody: to the host's
login), a write must come from an open page of the panel, the policy must let the principal in. While the page
runs, :func:`acting_as` is entered, so that services need not be told who acts. What goes wrong becomes a
page, or a notice where a script asked.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

from flask import Response, make_response, request
from flask_admin import BaseView
from werkzeug import exceptions as http
from werkzeug.wrappers import Response as WerkzeugResponse

from ...core.installed import installation
from ...core.principal import Principal, acting_as
from ...core.turns import end_turn, pace
from ...errors import Forbidden
from ...features.access.policy import Permission
from ...web.errors import host_answer, known_error, mark_identified
from . import login, pages, security
from .names import HostNames
from .picked import picked
from .texts import _, idle_babel

_PRINCIPAL = "aiagents.panel_principal"


class PanelView(BaseView):
    """A page of the panel."""

    permission: ClassVar[Permission] = Permission.READ_AGENTS
    """What a principal needs to see it."""

    super_admin_only: ClassVar[bool] = False
    slug: ClassVar[str]
    """Its part of the address and of the endpoint."""

    title: ClassVar[str]
    icon: ClassVar[str] = "circle-o"
    """Its Font Awesome name, in the menu."""

    def __init__(self, names: HostNames | None = None, **options: Any) -> None:
        self.names = names or HostNames()
        super().__init__(**options)

    @property
    def system(self) -> Any:
        """The services of the current app."""
        return installation()

    @property
    def principal(self) -> Principal:
        """Who acts: for the tenant that it picked, when it is a super admin."""
        return request.environ[_PRINCIPAL]

    def may(self, permission: Permission, row: Any = None) -> bool:
        """Return True when the principal may do this.

        :param row: the row that it is to be done to, an object or a list's dict; without one, to any row at all.
        """
        if isinstance(row, dict):
            row = SimpleNamespace(**row)
        return self.system.access.allows(self.principal, permission, row)

    def is_accessible(self) -> bool:
        """Whether the page is shown in menus; :meth:`_handle_view` guards the page itself."""
        try:
            principal = self._resolved()
            return principal is not None and self._admits(principal)
        except Exception:  # this menu is on the host's own pages and on error pages, too
            return False

    def menu_pages(self) -> list[dict[str, Any]]:
        """The panel's pages that the principal may open, for the menu."""
        return [
            {"name": one.name, "icon": one.icon, "url": one.get_url(one.beginning()), "current": one is self}
            for one in _pages(self.admin)
            if one.is_visible() and one.is_accessible()
        ]

    def host_menu(self) -> list[Any]:
        """What else the host's Flask-Admin has in its menu."""
        admin: Any = self.admin
        ours = {one.menu for one in _pages(admin)}
        items = [item for item in admin.menu() if item not in ours and not ours & {*item._children}]
        return [item for item in items if item.is_visible() and item.is_accessible()]

    def beginning(self) -> str:
        """The endpoint of the view's first page."""
        return f"{self.endpoint}.{self._default_view}"

    def picked_tenant(self) -> str:
        """Return the tenant that a super admin acts for, in words."""
        match picked(self.principal):
            case None:
                return _("all tenants")
            case "*":
                return _("shared agents")
            case tenant:
                return self.names.label("tenant", tenant)

    def create_blueprint(self, admin: Any) -> Any:
        """The view's blueprint, whose answers are secured and whose errors are pages of ours."""
        blueprint = super().create_blueprint(admin)
        blueprint.after_request(security.secure)
        blueprint.after_request(pace)
        blueprint.teardown_request(end_turn)
        for code in http.default_exceptions:
            blueprint.register_error_handler(code, self._failed)
        blueprint.register_error_handler(Exception, self._failed)
        return blueprint

    def render(self, template: str, **context: Any) -> str:
        """A page of ours, in an environment of our own: the host's Jinja may be anything."""
        return pages.render(self, template, context | self._template_args)

    @idle_babel()
    def _handle_view(self, name: str, **kwargs: Any) -> Any:
        principal = self._resolved()
        mark_identified(request)
        if principal is None:
            return login.send_there()
        security.refuse_forged()
        if not self._admits(principal):
            raise Forbidden(f"A {principal.role} has no access to this page.", hint="Ask an admin of your tenant.")
        self.system.database.end_host_read()
        self.system.maintenance.start()
        self.system.turns.begin(principal)
        return None

    @idle_babel()
    def _run_view(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        # The stock version calls a view again, as a class method, when it raised a TypeError.
        with acting_as(self.principal):
            return fn(self, *args, **kwargs)

    def _resolved(self) -> Principal | None:
        environ = request.environ
        if _PRINCIPAL not in environ:
            principal = self.system.access.current()
            if principal is not None and (tenant := picked(principal)):
                principal = principal.acting_for(tenant)
            environ[_PRINCIPAL] = principal
        return environ[_PRINCIPAL]

    def _admits(self, principal: Principal) -> bool:
        if self.super_admin_only and not principal.is_super_admin:
            return False
        return self.system.access.allows(principal, self.permission)

    @idle_babel()
    def _failed(self, error: Exception) -> Response:
        if isinstance(error, http.HTTPException) and error.response is not None:
            return make_response(error.response)  # abort(response) is an answer, not an error
        if (answer := host_answer(error)) is not None:
            return answer
        known = known_error(error)
        response = make_response(pages.error(self, known), known.code or 500)
        if known.retry_after is not None:
            response.headers["Retry-After"] = str(known.retry_after)
        return response


def _pages(admin: Any) -> list[PanelView]:
    return [view for view in admin._views if isinstance(view, PanelView)]


Answer = str | Response | WerkzeugResponse | tuple[str, int]
"""What a page's function may return."""
