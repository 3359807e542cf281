"""A real chromium, and somebody in it who complains of everything that a page should not do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from .live import Live

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Page

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

TIMEOUT_MS = 30_000

PageFor = Callable[..., "Page"]
"""``page_for("alice", "/agents/")``: the panel's page, logged in. Further options are the context's."""

_LISTEN = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""

_HURRY = """
const usual = window.setTimeout;
window.setTimeout = (then, wait, ...more) => usual(then, wait === 5000 ? 250 : wait, ...more);
"""
"""Lists refresh themselves four times a second instead of every five."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Of a module and not of the session: while it is there, asyncio.run() is refused in this thread."""
    playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.skip(f"none of {', '.join(CHROMIUM)} is installed")
    playwright_api.expect.set_options(timeout=TIMEOUT_MS)
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """One browser profile in a host: what its pages complained of, and whether they left the origin."""

    def __init__(
        self, browser: Browser, host: Live, user: str | None, tolerated: tuple[str, ...], options: Any
    ) -> None:
        self._host, self._tolerated = host, tolerated
        self.complaints: list[str] = []
        scripts = _LISTEN + (_HURRY if options.pop("hurried", False) else "")
        self.context: BrowserContext = browser.new_context(**_SIZE | options)
        self.context.set_default_timeout(TIMEOUT_MS)
        self.context.add_init_script(scripts)
        self.context.on("console", lambda message: self._say(message.type, message.text, message.page))
        self.context.on("weberror", lambda error: self._note(f"page error: {error.error}"))
        self.context.on("request", lambda request: self._check(request.url))
        self.context.on("dialog", self._dismiss)
        if user is not None:
            self.context.add_cookies([{"name": "session", "value": host.cookie(user), "url": host.url}])

    def _say(self, kind: str, text: str, page: Page | None) -> None:
        if kind in ("error", "warning"):
            self._note(f"{text} (on {page.url if page else 'a page'})")

    def _dismiss(self, dialog: Dialog) -> None:
        self._note(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _check(self, url: str) -> None:
        if not url.startswith((f"{self._host.url}/", "data:", "blob:")):
            self._note(f"request to {url}")

    def _note(self, complaint: str) -> None:
        if not any(words in complaint for words in self._tolerated):
            self.complaints.append(complaint)


_SIZE = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", "reduced_motion": "reduce"}


@contextmanager
def visits(browser: Browser, host: Live) -> Iterator[PageFor]:
    """Opens pages of a host; in the end nothing may have complained."""
    opened: list[Visit] = []

    def page_for(
        user: str | None, path: str = "/agents/", *, tolerated: tuple[str, ...] = (), **options: Any
    ) -> Page:
        visit = Visit(browser, host, user, tolerated, options)
        opened.append(visit)
        page = visit.context.new_page()
        page.goto(f"{host.url}{host.panel}{path}")
        return page

    yield page_for
    complaints = [complaint for visit in opened for complaint in visit.complaints]
    for visit in opened:
        visit.context.close()
    assert complaints == []


@pytest.fixture
def page_for(browser: Browser, live_host: Live) -> Iterator[PageFor]:
    """Opens a page of the panel as somebody of the cast, in a browser profile of its own.

    The test fails when any page wrote an error or a warning to the console, met a script error, broke the
    content security policy, opened a dialog or asked another origin for anything. ``tolerated`` names words of
    complaints that belong to what is tested; with ``hurried`` open lists refresh themselves at once.
    """
    with visits(browser, live_host) as open_page:
        yield open_page
