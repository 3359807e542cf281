#!/usr/bin/env python
"""Take pictures of every page: ``PYTHONPATH=.:tests python scripts/screenshots.py FOLDER [NAME ...]``.

At 360, 1280 and 1920 px, light and dark, with something on every page, and with the modal and a question open.
``NAME`` keeps to pages whose name contains it. The pictures are for looking at, not for the repository.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright
from support.browser import CHROMIUM
from support.crawl import PREFIX, crawl
from support.live import Live, live
from support.populated import populate

WIDTHS = (360, 1280, 1920)
THEMES: tuple[Any, ...] = ("light", "dark")
PEOPLE = ("root", "alice", "bob")
"""Of alice and bob only the lists, where they see other things than root."""


def main(folder: Path, wanted: list[str]) -> None:
    """Serve a host, fill it, and look at everything."""
    folder.mkdir(parents=True, exist_ok=True)
    path = next(filter(None, map(shutil.which, CHROMIUM)))
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        with live(f"sqlite:///{scratch}/host.db") as host:
            agents = populate(host.app)
            for name in PEOPLE:
                for theme in THEMES:
                    context = browser.new_context(color_scheme=theme, reduced_motion="reduce")
                    context.add_cookies([{"name": "session", "value": host.cookie(name), "url": host.url}])
                    page = context.new_page()
                    for title, url, prepare in pages_of(host, name, agents):
                        if not wanted or any(word in title for word in wanted):
                            take(page, host.url + url, prepare, folder / f"{name}-{title}-{theme}")
                    context.close()
        browser.close()


def pages_of(host: Live, name: str, agents: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Names, addresses, and what to press before the picture."""
    found = sorted(crawl(host.app, host.session(name), f"{host.panel}/agents/"), key=lambda one: len(one.html))
    for endpoint, one in {one.endpoint: one for one in found if one.is_page}.items():
        if name == "root" or endpoint.endswith(("index", "index_view")):
            yield endpoint.removeprefix(PREFIX).replace(".", "-"), one.url, ""
    if name == "alice":
        yield "modal-new", f"{host.panel}/agents/", 'a[href$="/new/"]'
        yield "modal-edit", f"{host.panel}/agents/", 'a[href*="/edit/"]'
        yield "question", f"{host.panel}/agents/details/?id={agents['desk']['id']}", ".aia-btn-bad"
        yield "not-found", f"{host.panel}/agents/details/?id=x", ""
        yield "empty", f"{host.panel}/agents/?search=nothing", ""


def take(page: Page, url: str, press: str, name: Path) -> None:
    """The page at each width; all of it, however long."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(url, wait_until="networkidle")
        if press:
            page.locator(press).first.click()
            page.locator(".modal.show").wait_for()
        page.screenshot(path=f"{name}-{width}.png", full_page=not press)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
