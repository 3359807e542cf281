"""The open list of the log, in a real browser, while things happen."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from support.browser import PageFor
from support.cast import ALICE, CHARLIE, make_agent
from support.live import Live
from support.logs import activity_of, begin, execution, finish

from flask_aiagents.errors import RateLimited

if TYPE_CHECKING:
    from playwright.sync_api import Page

ONLY_TOLD = """
const usual = window.setTimeout;
window.setTimeout = (then, wait, ...more) => (wait >= 5000 ? 0 : usual(then, wait, ...more));
"""
"""Lists never ask by themselves, only when a stream tells them to."""


@pytest.fixture
def agents(live_host: Live) -> dict[str, Any]:
    """An agent of each tenant, with a log of each."""
    made = {"acme": make_agent(live_host.clients.alice, "Desk"), "globex": make_agent(live_host.clients.charlie)}
    return {tenant: agent["id"] for tenant, agent in made.items()}


def told(page: Page) -> Page:
    """The same page, of which only the stream can change the rows; and the stream has begun."""
    page.add_init_script(ONLY_TOLD)
    with page.expect_response("**/activity/stream/") as answer:
        page.reload()
    assert answer.value.ok
    return page


def test_a_run_appears_and_ends_in_an_open_list(
    live_host: Live, agents: dict[str, Any], page_for: PageFor
) -> None:
    """By the stream alone; whoever is of another tenant sees nothing of it."""
    alice, charlie = told(page_for("alice", "/activity/")), told(page_for("charlie", "/activity/"))
    log_id = begin(live_host.app, agents["acme"], principal=ALICE)
    row = alice.locator(f'[data-id="{log_id}"]')
    expect(row).to_contain_text("running")
    finish(live_host.app, log_id, principal=ALICE)
    expect(row).to_contain_text("success")
    own = execution(live_host.app, agents["globex"], principal=CHARLIE)
    expect(charlie.locator(f'[data-id="{own}"]')).to_be_visible()
    assert charlie.locator(f'[data-id="{log_id}"]').count() == 0
    assert alice.locator(f'[data-id="{own}"]').count() == 0
    expect(alice.get_by_role("navigation", name="Pages")).to_contain_text("1 to 2")


def test_a_run_leaves_a_filter_as_it_ends(live_host: Live, agents: dict[str, Any], page_for: PageFor) -> None:
    """The list of what runs is empty when nothing does."""
    log_id = begin(live_host.app, agents["acme"], principal=ALICE)
    page = told(page_for("alice", "/activity/?status=running"))
    expect(page.locator(f'[data-id="{log_id}"]')).to_be_visible()
    finish(live_host.app, log_id, principal=ALICE)
    expect(page.get_by_text("No entry fits these filters.")).to_be_visible()


def test_without_a_stream_the_list_asks_by_itself(
    live_host: Live, agents: dict[str, Any], page_for: PageFor
) -> None:
    """As when too many are open, or something between does not let it through."""
    opened: list[Any] = []
    with live_host.app.app_context(), suppress(RateLimited):
        while True:
            opened.append(activity_of(live_host.app).stream(principal=ALICE))
    page = page_for("alice", "/activity/", hurried=True, tolerated=("429",))
    log_id = execution(live_host.app, agents["acme"], principal=ALICE)
    expect(page.locator(f'[data-id="{log_id}"]')).to_be_visible()
    for stream in opened:
        stream.close()
