"""Every page that the panel has, found by its links, as each of the cast: a new page is tested by being there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, TimeoutError
from support.axe import set_theme, violations
from support.browser import PageFor
from support.crawl import Found, Markup, crawl, endpoints
from support.live import CAST, Live, live
from support.populated import populate

NONSENSE = ("%", "\x00", "-1", "9" * 40, "2026-02-30", "0001-01-01", "99999999999d", "é" * 300, "{}", "\u202e")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@pytest.fixture(scope="module")
def live_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A host with something on every page."""
    folder: Path = tmp_path_factory.mktemp("pages")
    with live(f"sqlite:///{folder}/live.db") as host:
        yield host


@pytest.fixture(scope="module", autouse=True)
def agents(live_host: Live) -> dict[str, Any]:
    """What was made, by what it is."""
    return populate(live_host.app)


@pytest.fixture(scope="module")
def found(live_host: Live, agents: dict[str, Any]) -> dict[str, list[Found]]:
    """What each of the cast is led to."""
    return {name: walked(live_host, name) for name in CAST}


def walked(host: Live, name: str) -> list[Found]:
    return crawl(host.app, host.session(name), f"{host.panel}/agents/")


def test_links_lead_to_every_page(live_host: Live, found: dict[str, list[Found]]) -> None:
    """No page is only found by who knows its address; what is left are data for scripts, and ways on."""
    reached = {one.endpoint for name in ("root", "alice") for one in found[name]}
    root = live_host.session("root")
    for endpoint, rule in endpoints(live_host.app, "GET").items():
        for id_ in some_ids(live_host) if endpoint not in reached else ():
            response = root.get(rule, query_string={"id": id_})
            is_data = response.mimetype in ("application/json", "text/event-stream")
            assert is_data or response.status_code in (302, 404), endpoint


def some_ids(host: Live) -> list[str]:
    """The id of something of each kind."""
    kinds = ("ai_agents", "ai_agent_activity_logs", "ai_agent_api_keys", "ai_agent_credentials")
    lists = [host.clients.root.get(f"/api/{kind}?limit=1").json for kind in (*kinds, "ai_agent_configurations")]
    return ["acme", *(row["id"] for rows in lists for row in rows)]


@pytest.mark.parametrize("name", CAST)
def test_no_link_leads_nowhere(found: dict[str, list[Found]], name: str) -> None:
    """What the panel offers to somebody, that somebody may open."""
    assert [one for one in found[name] if one.status not in (200, 302)] == []


@pytest.mark.parametrize("name", CAST)
def test_pages_carry_the_headers(live_host: Live, found: dict[str, list[Found]], name: str) -> None:
    """A policy without unsafe sources, no sniffing, no frames, no caches; also on data and parts of pages."""
    client = live_host.session(name)
    for one in found[name]:
        headers = client.get(one.url).headers
        assert {key: headers[key] for key in HEADERS} == HEADERS, one
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, one
        assert "frame-ancestors 'none'" in policy, one
        assert "unsafe" not in policy, one


@pytest.mark.parametrize("name", CAST)
def test_markup_keeps_to_the_policy(found: dict[str, list[Found]], name: str) -> None:
    """No handlers, no styles, no scripts inside of pages; every page says its language."""
    for one in found[name]:
        markup = Markup(one.html)
        assert markup.forbidden == [], one
        assert not one.is_page or markup.root.get("lang") == "en", one


@pytest.mark.parametrize("name", CAST)
def test_every_form_that_posts_has_a_token(found: dict[str, list[Found]], name: str) -> None:
    """A form without one would be refused."""
    for one in found[name]:
        posting = [form for form in Markup(one.html).forms if (form.get("method") or "").lower() == "post"]
        assert one.html.count('name="csrf_token"') >= len(posting), one


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_in_a_filter_breaks_no_page(
    live_host: Live, found: dict[str, list[Found]], nonsense: str
) -> None:
    """It finds nothing, or is told to be wrong; it is never an error of ours."""
    root = live_host.session("root")
    for one in distinct(found["root"]):
        for name in (Markup(one.html).asked | {"id", "page", "page_size", "sort"}) - {""}:
            response = root.get(urlsplit(one.url).path, query_string={name: nonsense})
            assert response.status_code < 500, (one.endpoint, name)


def test_nobody_is_sent_to_the_hosts_login(live_host: Live, found: dict[str, list[Found]]) -> None:
    """With the way back to the very page."""
    client = live_host.session(None)
    for one in {one.url: one for name in CAST for one in found[name]}.values():
        response = client.get(one.url)
        assert response.status_code == 302, one
        target = urlsplit(response.headers["Location"])
        assert (target.netloc, target.path) == ("", "/login")
        assert parse_qs(target.query)["next"] == [one.url]


def test_another_tenant_finds_nothing_of_acmes(
    live_host: Live, found: dict[str, list[Found]], agents: dict[str, Any]
) -> None:
    """Every page of one thing of acme's is absent for charlie, not forbidden."""
    charlie, tried = live_host.session("charlie"), 0
    for one in found["alice"]:
        if re.search(r"[?&]id=", one.url) and agents["shared"]["id"] not in one.url:
            assert charlie.get(one.url).status_code == 404, one
            tried += 1
    assert tried >= 4
    for one in found["charlie"]:
        assert agents["desk"]["id"] not in one.html, one


def test_a_user_is_kept_from_management(live_host: Live, found: dict[str, list[Found]]) -> None:
    """bob gets no page by its address that he is not led to, except what he may read."""
    bob = live_host.session("bob")
    for slug in ("keys", "credentials", "tenants", "tenant"):
        if f"aiagents_panel_{slug}.index_view" in endpoints(live_host.app, "GET"):
            assert bob.get(f"{live_host.panel}/{slug}/").status_code == 403, slug
        assert not [one for one in found["bob"] if one.endpoint.startswith(f"aiagents_panel_{slug}.")]


@pytest.mark.parametrize("name", ["alice", "root", "bob"])
def test_pages_in_a_browser(live_host: Live, found: dict[str, list[Found]], page_for: PageFor, name: str) -> None:
    """On each page axe finds nothing in light and dark, and nothing is wider than a phone.

    What is written to the console or asked of other origins fails the test as well.
    """
    page, wrong = page_for(name), []
    for one in distinct(found[name]):
        page.set_viewport_size({"width": 1280, "height": 900})
        late = 'hx-trigger="load' in one.html
        page.goto(live_host.url + one.url, wait_until="networkidle" if late else "load")
        for theme in ("light", "dark") if name == "root" else ("light",):
            set_theme(page, theme)
            wrong += [f"{one.url} {theme}: {words}" for words in violations(page)]
        set_theme(page, "dark")
        page.set_viewport_size({"width": 360, "height": 740})
        wrong += [f"{one.url} at 360 px: {words}" for words in (*too_wide(page), *violations(page))]
    assert not wrong, "\n".join(wrong)


def test_german_fits_a_phone(live_host: Live, found: dict[str, list[Found]], page_for: PageFor) -> None:
    """Longer words make no page wider than the window either."""
    page, wrong = page_for("root", locale="de-DE", viewport={"width": 360, "height": 740}), []
    for one in distinct(found["root"]):
        page.goto(live_host.url + one.url)
        assert page.locator("html").get_attribute("lang") == "de"
        wrong += [f"{one.url}: {words}" for words in too_wide(page)]
    assert not wrong, "\n".join(wrong)


def too_wide(page: Page) -> list[str]:
    """How much wider than the window the page is, once charts have found their size."""
    with suppress(TimeoutError):
        page.wait_for_function("document.scrollingElement.scrollWidth <= innerWidth", timeout=2_000)
        return []
    return [f"{page.evaluate('document.scrollingElement.scrollWidth - innerWidth')} px too wide"]


def distinct(found: list[Found]) -> list[Found]:
    """One page of each endpoint: the one with the most on it."""
    pages = sorted((one for one in found if one.is_page), key=lambda one: len(one.html))
    return list({one.endpoint: one for one in pages}.values())
