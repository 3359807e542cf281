"""The app below a path of a larger site: no link of ours leads out of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urldefrag, urljoin, urlsplit

import pytest
from flask import Flask
from flask_admin import Admin, AdminIndexView, expose
from flask_login import LoginManager
from support.cast import ALICE, OFFLINE, ROOT
from support.hosts import close, make_host
from support.mounts import MOUNTS, PREFIX, Browser
from support.populated import populate

ADDRESS = re.compile(r"""(?:["'(\s,]|&#34;)(/[a-z][^"'<>\s)&]*)""")
"""What looks like a path of this site in a page, in attributes, scripts and styles alike."""

REFERENCE = re.compile(r'(?:href|src|action|hx-get|hx-post|data-document|data-[a-z-]*url)="([^"]+)"')


@pytest.fixture(scope="module", params=MOUNTS)
def mounted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A host with something on every page, below a path."""
    folder: Path = tmp_path_factory.mktemp("mounted")
    app = make_host(f"sqlite:///{folder}/host.db")
    populate(app)
    yield MOUNTS[request.param](app)
    close(app)


def below(url: str) -> bool:
    return urlsplit(url).path.startswith(f"{PREFIX}/")


def pages(browser: Browser, start: str, alike: int = 3) -> Iterator[tuple[str, Any]]:
    """Every address that pages refer to, with its answer."""
    waiting, asked, seen = [start], set[str](), dict[str, int]()
    while waiting:
        url = urldefrag(waiting.pop().replace("&amp;", "&")).url
        parts = urlsplit(url)
        kind = parts.path if "static" not in url else url
        if url in asked or parts.netloc or parts.scheme or seen.get(kind, 0) >= alike:
            continue
        asked.add(url)
        seen[kind] = seen.get(kind, 0) + 1
        with browser.open(url) as answer:
            yield url, answer
            if answer.mimetype == "text/html":
                waiting += [urljoin(url, found) for found in REFERENCE.findall(answer.text)]
            if "Location" in answer.headers:
                waiting.append(urljoin(url, answer.headers["Location"]))


@pytest.mark.parametrize("start", [f"{PREFIX}/aiagents/", f"{PREFIX}/api/docs"])
def test_every_link_stays_below_the_mount(mounted: Any, start: str) -> None:
    """Pages, their assets, forms and redirects exist where they are said to be."""
    found = dict[str, int]()
    for url, answer in pages(Browser(mounted, ROOT), start):
        assert below(url), url
        assert answer.status_code in (200, 302, 400, 403, 405), f"{url}: {answer.status_code}"
        found[url] = answer.status_code
        if answer.mimetype == "text/html" and "static" not in url:
            stray = {path for path in ADDRESS.findall(answer.text) if not below(path)}
            assert not {path for path in stray if path.startswith(("/aiagents", "/api", "/login"))}, url
    assert any(url.endswith(".css") or ".css?" in url for url in found)
    assert len(found) > (5 if "docs" in start else 40) - 2


def test_links_of_the_api_stay_below_the_mount(mounted: Any) -> None:
    """Location and Link can be followed as they are, and the document names the mount as its server."""
    alice = Browser(mounted, ALICE)
    made = alice.open(
        f"{PREFIX}/api/ai_agents", "POST", json={"name": f"Made {id(mounted)}", "model_config": OFFLINE}
    )
    assert below(made.headers["Location"])
    assert alice.open(made.headers["Location"]).json["id"] == made.json["id"]
    first = alice.open(f"{PREFIX}/api/ai_agents?limit=1&status=in.(active,inactive)")
    link = re.findall(r'<([^>]+)>; rel="next"', first.headers["Link"])[0]
    assert below(link)
    assert alice.open(link).json != first.json
    document = alice.open(f"{PREFIX}/api/openapi.json").json
    assert document["servers"] == [{"url": PREFIX}]
    assert "/api/ai_agents" in document["paths"]


def test_redirects_for_a_slash_stay_below_the_mount(mounted: Any) -> None:
    """The panel's address without its last slash leads to the page, and unknown ones are JSON."""
    root = Browser(mounted, ROOT)
    assert below(urlsplit(root.open(f"{PREFIX}/aiagents/agents").headers["Location"]).path)
    assert root.open(f"{PREFIX}/api/nothing").json["code"] == "not_found"


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("login_url", [None, "/login", f"{PREFIX}/login", "https://sso.example/in?app=1"])
def test_the_way_to_the_login_and_back(tmp_path: Path, mount: str, login_url: str | None) -> None:
    """The login is the app's own, below the mount, and ``next`` is the whole address of the page."""
    app = make_host(f"sqlite:///{tmp_path}/host.db", AIAGENTS_LOGIN_URL=login_url)
    app.add_url_rule("/login", "log_in", lambda: "log in")
    LoginManager(app).login_view = "log_in"  # pyright: ignore[reportAttributeAccessIssue]
    answer = Browser(MOUNTS[mount](app), None).open(f"{PREFIX}/aiagents/agents/?search=a%26b")
    where = urlsplit(answer.headers["Location"])
    assert (where.path == f"{PREFIX}/login") is (where.netloc != "sso.example")
    assert parse_qs(where.query)["next"] == [f"{PREFIX}/aiagents/agents/?search=a%26b"]
    close(app)


class Office(AdminIndexView):
    """A first page with a name of its own."""

    @expose("/")
    def first(self) -> str:
        return "the office"


def office(app: Flask) -> Admin:
    return Admin(app, name="Office", index_view=Office(url="/office", endpoint="office"))


def at_the_root(app: Flask) -> Admin:
    return Admin(app, name="Root", url="/")


@pytest.mark.parametrize(("make", "home"), [(office, "/office/"), (at_the_root, "/"), (Admin, "/admin/")])
@pytest.mark.parametrize("mount", MOUNTS)
def test_the_brand_leads_to_the_hosts_own_admin(tmp_path: Path, mount: str, make: Any, home: str) -> None:
    """Wherever the host's Flask-Admin is, its name leads to its first page, and the panel is found in it."""
    app = make_host(f"sqlite:///{tmp_path}/host.db", admin=make)
    alice = Browser(MOUNTS[mount](app), ALICE)
    panel = f"{PREFIX}{home}aiagents/agents/"
    page = alice.open(panel).text
    assert re.findall(r'class="aia-brand" href="([^"]+)"', page) == [PREFIX + home]
    assert alice.open(PREFIX + home).status_code == 200
    for url in REFERENCE.findall(page):
        assert below(urljoin(panel, url)), url
    for asset in re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css|svg)[^"]*)"', page):
        with alice.open(asset) as answer:
            assert answer.status_code == 200, asset
    close(app)
