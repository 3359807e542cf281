"""The panel in the example's own Flask-Admin, as a person who starts the demo meets it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import requests
from support.browser import TIMEOUT_MS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect


class Guest:
    """Somebody of the demo in a browser of their own."""

    def __init__(self, browser: Browser, demo: dict[str, Any]) -> None:
        self.demo = demo
        self.complaints: list[str] = []
        self.context = browser.new_context()
        self.context.set_default_timeout(TIMEOUT_MS)
        self.context.on("console", lambda said: self._hear(said.type, said.text, said.location["url"]))
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.context.on("request", lambda asked: self._check(asked.url))

    def _hear(self, kind: str, text: str, place: str) -> None:
        if kind == "error" and not place.endswith("/favicon.ico"):  # the platform's own pages have none
            self.complaints.append(f"{text} {place}")

    def _check(self, url: str) -> None:
        if not url.startswith((self.demo["url"], "data:")):
            self.complaints.append(url)

    def enter(self, name: str) -> Page:
        """Open the panel, be sent to the login, log in there."""
        page = self.context.new_page()
        page.goto(self.demo["admin"])
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(self.demo["users"][name]["password"])
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(self.demo["admin"])
        return page


@pytest.fixture
def guest(browser: Browser, demo: dict[str, Any]) -> Iterator[Guest]:
    guest = Guest(browser, demo)
    yield guest
    guest.context.close()
    assert guest.complaints == []


def test_demo_json_leads_to_the_panel(demo: dict[str, Any], guest: Guest) -> None:
    """Through the platform's login, straight to where the panel begins."""
    page = guest.enter("alice")
    expect(page.get_by_role("heading", name="Dashboard", exact=True)).to_be_visible()
    assert page.url == demo["admin"]


def test_the_platforms_admin_and_the_panel_are_one(guest: Guest) -> None:
    """Its menu leads to the platform's own tables, whose menu leads back."""
    page = guest.enter("root")
    page.get_by_role("navigation", name="Parcel").get_by_role("link", name="Users").click()
    expect(page.get_by_role("cell", name="charlie")).to_be_visible()
    page.get_by_role("link", name="AI agents").click()
    page.get_by_role("link", name="Agents", exact=True).click()
    expect(page.get_by_role("link", name="Order desk", exact=True)).to_be_visible()


def test_tenants_have_their_names(guest: Guest) -> None:
    """The operator reads and picks names, not ids."""
    page = guest.enter("root")
    page.get_by_role("link", name="Acting for all tenants").click()
    page.get_by_role("dialog").get_by_role("button", name="Globex Books").click()
    expect(page.get_by_role("link", name="Acting for Globex Books")).to_be_visible()
    page.get_by_role("navigation", name="AI agents").get_by_role("link", name="Agents").click()
    expect(page.get_by_role("link", name="Book adviser", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Order desk", exact=True)).to_have_count(0)


def test_a_tool_of_the_platform_is_seen_at_work(guest: Guest) -> None:
    """Ask the order desk in the playground: the step, its result, and the log with both."""
    page = guest.enter("bob")
    page.get_by_role("navigation", name="AI agents").get_by_role("link", name="Agents").click()
    page.get_by_role("link", name="Run Order desk").click()
    page.wait_for_load_state()
    page.get_by_label("Message").fill("What is the order status of 1001?")
    page.get_by_role("button", name="Send").click()
    answer = page.get_by_role("article", name="Answer")
    expect(answer).to_contain_text("shipped on Monday")
    expect(answer).to_contain_text("order_status")
    answer.get_by_role("link", name="Log").click()
    expect(page.get_by_role("main")).to_contain_text("shipped on Monday")


def test_a_stranger_sees_neither(demo: dict[str, Any]) -> None:
    """The panel and the platform's admin both lead to the platform's login, and back."""
    for url in (demo["admin"], f"{demo['url']}/admin/"):
        answer = requests.get(url, timeout=30, allow_redirects=False)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/login?next=%2Fadmin%2F")
