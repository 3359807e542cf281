"""Where the panel is: in the host's own Flask-Admin, or in one of ours that gets in nobody's way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask_admin import Admin, BaseView, expose
from playwright.sync_api import expect
from support.axe import violations
from support.browser import PageFor
from support.cast import ALICE, make_agent
from support.hosts import close, make_host
from support.live import Live, add_login, live

from flask_aiagents.testing import client_as

SCRIPT = "<script>window.hosts = 'own';</script>"


class Products(BaseView):
    """A page of the host's, as hosts have them: open, with a script inside."""

    @expose("/")
    def index(self) -> str:
        return self.render("admin/index.html") + SCRIPT


def hosts_admin(app: Flask) -> Admin:
    admin = Admin(app, name="Host")
    admin.add_view(Products(name="Products", endpoint="products"))
    return admin


@pytest.fixture
def live_host(tmp_path: Path) -> Iterator[Live]:
    """A host with its own Flask-Admin, which the panel joins."""
    with live(f"sqlite:///{tmp_path}/live.db", admin=hosts_admin) as host:
        yield host


@pytest.fixture
def bare() -> Flask:
    """The same host without us."""
    app = Flask("some_host")
    app.config["SECRET_KEY"] = "test"
    hosts_admin(app)
    add_login(app)
    return app


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Flask]:
    """A host whose own admin pages are a blueprint named ``admin`` under /admin."""
    pages = Blueprint("admin", __name__, url_prefix="/admin")
    pages.add_url_rule("/", "index", lambda: "the host's own")
    app = make_host(f"sqlite:///{tmp_path}/own.db")
    app.register_blueprint(pages)
    yield app
    close(app)


def test_the_hosts_menu_has_a_category(live_host: Live, page_for: PageFor) -> None:
    """From the host's admin to the panel by its menu, and back by the panel's head."""
    make_agent(live_host.clients.alice, "Order desk")
    page = page_for("alice")
    page.goto(f"{live_host.url}/admin/products/")
    assert page.evaluate("window.hosts") == "own"
    page.get_by_role("link", name="AI agents").click()
    page.get_by_role("link", name="Agents", exact=True).click()
    expect(page.get_by_role("link", name="Order desk", exact=True)).to_be_visible()
    assert page.url == f"{live_host.url}/admin/aiagents/agents/"
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert violations(page) == []
    page.get_by_role("navigation", name="Host").get_by_role("link", name="Products").click()
    assert page.url == f"{live_host.url}/admin/products/"
    page.wait_for_function("window.hosts === 'own'")


def test_an_agent_is_made_in_the_hosts_admin(live_host: Live, page_for: PageFor) -> None:
    """The modal works there as in a panel of its own."""
    page = page_for("alice")
    page.get_by_role("link", name="Create the first agent").click()
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("Order desk")
    page.get_by_role("dialog").get_by_role("button", name="Create the agent").click()
    expect(page.get_by_text("Order desk was saved.")).to_be_visible()
    expect(page.get_by_role("link", name="Order desk", exact=True)).to_be_visible()


@pytest.mark.parametrize("name", ["alice", None])
def test_the_hosts_own_views_stay_as_they_were(live_host: Live, bare: Flask, name: str | None) -> None:
    """Byte for byte but for the menu's category, without our headers; nobody sees the category without a login."""
    before = bare.test_client().get("/admin/products/")
    after = live_host.session(name).get("/admin/products/")
    assert ("AI agents" in after.text) is (name is not None)
    assert without_category(after.text) == without_category(before.text)
    assert headers(after) == headers(before)


def without_category(page: str) -> str:
    """A page without our entry of its menu."""
    page = re.sub(r'<!-- just [^>]*>\s*<li class="dropdown">.*?</ul>\s*</li>', "", page, flags=re.S)
    return re.sub(r"\s+", " ", page)


def headers(response: Any) -> dict[str, str]:
    kept = {"Content-Length", "Set-Cookie", "Vary", "Date"}
    return {key: value for key, value in response.headers.items() if key not in kept}


def test_a_hosts_own_admin_blueprint_is_left_alone(own: Flask) -> None:
    """Neither its address nor its name is taken; the panel is beside it."""
    client = client_as(own, ALICE)
    assert client.get("/admin/").text == "the host's own"
    assert client.get("/admin/aiagents/agents/").status_code == 404
    assert client.get("/aiagents/agents/").status_code == 200
    nobody = client_as(own, None)
    assert nobody.get("/admin/").text == "the host's own"
    assert nobody.get("/aiagents/agents/").status_code == 401


def test_the_panel_of_its_own_is_where_the_host_wants_it(tmp_path: Path) -> None:
    """AIAGENTS_ADMIN_URL moves it with all of its assets, and its root leads to the dashboard."""
    app = make_host(f"sqlite:///{tmp_path}/x.db", AIAGENTS_ADMIN_URL="/ki/verwaltung")
    client = client_as(app, ALICE)
    page = client.get("/ki/verwaltung/agents/").text
    assert client.get("/aiagents/agents/").status_code == 404
    assert client.get("/ki/verwaltung/").headers["Location"] == "/ki/verwaltung/dashboard/"
    for asset in set(re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css|svg)[^"]*)"', page)):
        with client.get(asset) as answer:
            assert answer.status_code == 200, asset
    close(app)
