"""Pages in the states that links do not lead to: empty, wrong, asking, refused."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from support.axe import set_theme, violations
from support.browser import PageFor
from support.cast import make_agent
from support.crawl import endpoints
from support.live import Live

REFUSED = ("status of 422", "status of 404", "status of 403", "status of 400")


def wrong_with(page: Page) -> list[str]:
    """What axe finds in light and dark, as it is now."""
    found = []
    for theme in ("light", "dark"):
        set_theme(page, theme)
        found += [f"{page.url} {theme}: {words}" for words in violations(page)]
    return found


def test_empty_pages_say_what_to_do_first(live_host: Live, page_for: PageFor) -> None:
    """On every list, where nothing is there yet, a heading and a text; and axe finds nothing."""
    page, wrong = page_for("alice"), []
    for endpoint, rule in endpoints(live_host.app, "GET").items():
        if endpoint.endswith((".index", ".index_view")) and "tenant" not in endpoint:
            page.goto(f"{live_host.url}{rule}", wait_until="networkidle")
            expect(page.locator(".aia-empty").first).to_be_visible()
            wrong += wrong_with(page)
    assert not wrong, "\n".join(wrong)


def test_forms_and_questions_are_clean(live_host: Live, page_for: PageFor) -> None:
    """The modal as it opens, with what is wrong, and the question before a deletion."""
    make_agent(live_host.clients.alice, "Order desk")
    page = page_for("alice", tolerated=REFUSED)
    page.get_by_role("link", name="New agent").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_label("Name", exact=True)).to_be_focused()
    wrong = wrong_with(page)
    form.get_by_role("button", name="Create the agent").click()
    expect(form.get_by_role("alert")).to_be_visible()
    wrong += wrong_with(page)
    page.keyboard.press("Escape")
    expect(form).to_be_hidden()
    page.get_by_role("checkbox", name="Tick Order desk").check()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog", name="Are you sure?")).to_be_visible()
    wrong += wrong_with(page)
    assert not wrong, "\n".join(wrong)


def test_the_picker_and_refusals_are_clean(live_host: Live, page_for: PageFor) -> None:
    """The tenants in the modal; what is absent, forbidden or malformed is told on a page of ours."""
    make_agent(live_host.clients.charlie, "Adviser")
    page = page_for("root")
    page.get_by_role("link", name="Acting for all tenants").click()
    expect(page.get_by_role("dialog").get_by_role("button", name="globex")).to_be_visible()
    wrong = wrong_with(page)
    bob = page_for("bob", tolerated=REFUSED)
    for path, told in (("/agents/details/?id=x", "404"), ("/keys/", "403"), ("/activity/?agent_id=x", "400")):
        bob.goto(f"{live_host.url}{live_host.panel}{path}")
        expect(bob.get_by_role("alert")).to_contain_text(told)
        expect(bob.get_by_role("navigation", name="AI agents")).to_be_visible()
        wrong += wrong_with(bob)
    assert not wrong, "\n".join(wrong)


def test_the_theme_is_kept_and_the_systems_is_followed(live_host: Live, page_for: PageFor) -> None:
    """Dark where the system is; the button changes it, and it stays changed on the next page."""
    page = page_for("alice", color_scheme="dark")
    shown = "document.documentElement.dataset.theme"
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert page.evaluate(shown) == "dark"
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    page.goto(f"{live_host.url}{live_host.panel}/dashboard/")
    assert page.evaluate(shown) == "light"
