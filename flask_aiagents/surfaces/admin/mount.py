"""The panel's views, put into the host's Flask-Admin or into one of our own."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask
from flask_admin import Admin, AdminIndexView, expose
from flask_admin.theme import Bootstrap4Theme

from ...web.assets import close_unsent
from . import picked
from .activity import ActivityView
from .agents import AgentsView
from .configurations import ConfigurationsView
from .credentials import CredentialsView
from .dashboard import DashboardView
from .errors import ErrorsView
from .keys import KeysView
from .names import HostNames
from .pages import ASSETS, go
from .playground import PlaygroundView
from .tenants import TenantPickerView
from .tenants_overview import TenantsView
from .view import PanelView

VIEWS: tuple[type[PanelView], ...] = (
    DashboardView,
    AgentsView,
    PlaygroundView,
    ActivityView,
    ErrorsView,
    ConfigurationsView,
    CredentialsView,
    KeysView,
    TenantsView,
    TenantPickerView,
)
"""In the order of the menu."""

CATEGORY = "AI agents"
"""Under which the host's menu has them."""

ENDPOINT = "aiagents_panel"
"""Of our own Flask-Admin; ``aiagents_panel_<page>`` are the pages', in both."""


def mount(app: Flask, admin: Admin | None, url: str, names: HostNames) -> None:
    """Add every page.

    :param admin: the host's Flask-Admin; without one, ours is made under ``url``; an empty ``url`` means no panel.
    """
    if admin is None and url:
        own = Admin(app, name=CATEGORY, index_view=_Beginning(url), theme=Bootstrap4Theme())
        _add(app, own, url, None, names)
    elif admin is not None:
        _add(app, admin, f"{(admin.url or '').rstrip('/')}/aiagents", CATEGORY, names)


def _add(app: Flask, admin: Admin, url: str, category: str | None, names: HostNames) -> None:
    assets = Blueprint(ASSETS, __name__, static_folder="static", static_url_path="", url_prefix=f"{url}/assets")
    close_unsent(assets)
    app.register_blueprint(assets)
    picked.end_with_login(app)
    for view in VIEWS:
        page: Any = view
        endpoint = f"aiagents_panel_{page.slug}"
        admin.add_view(
            page(names, name=page.title, category=category, endpoint=endpoint, url=f"{url}/{page.slug}")
        )


class _Beginning(AdminIndexView):
    """The panel's own URL: on to the dashboard, which lets in whom it may."""

    def __init__(self, url: str) -> None:
        super().__init__(endpoint=ENDPOINT, url=url)

    def is_visible(self) -> bool:
        return False

    @expose()
    def index(self) -> Any:
        """Shows nothing itself, so it asks for nothing."""
        return go(self.get_url("aiagents_panel_dashboard.index"))
