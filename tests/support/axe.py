"""axe-core in a page: what stands between it and people who cannot see it or use no mouse."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"], preload: false });
  const told = ({ target, failureSummary }) => `${target.join(" ")}: ${failureSummary.replace(/\\s+/g, " ")}`;
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${told(node)}`));
}"""


@cache
def _source() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """What axe finds; evaluated by the browser's own protocol, which the page's CSP does not concern."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_source())
    return page.evaluate(_RUN)


def set_theme(page: Page, theme: str) -> None:
    """Make the page light or dark, as its own button does."""
    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
