"""R23: what people, models and tools wrote stays text on every page of the panel, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect
from support.browser import PageFor
from support.cast import make_agent
from support.crawl import crawl
from support.hostile import EVERYTHING, LIVE_ELEMENTS, NAME, PAYLOADS, USER
from support.live import Live, live
from support.populated import Texts, populate

from flask_aiagents import AIAgents


@pytest.fixture(scope="module")
def live_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A host where everybody writes markup, and whose tenants and users are called so."""
    folder: Path = tmp_path_factory.mktemp("hostile")
    aiagents = AIAgents(
        list_tenants=lambda: [("acme", EVERYTHING), ("globex", NAME)],
        labels=lambda kind, ids: {id_: f"{id_} {EVERYTHING if kind == 'tenant' else NAME}" for id_ in ids},
    )
    with live(f"sqlite:///{folder}/live.db", aiagents=aiagents) as host:
        yield host


@pytest.fixture(scope="module", autouse=True)
def agents(live_host: Live) -> dict[str, Any]:
    """An agent for every payload, and one that is hostile all over, with logs of its kind."""
    for payload in PAYLOADS:
        make_agent(live_host.clients.alice, payload, description=payload)
    return populate(live_host.app, Texts(name=NAME, text=EVERYTHING, user=USER))


def inert(page: Page) -> None:
    """Nothing of it came to life, also not where one moves the mouse or the focus."""
    assert page.evaluate(LIVE_ELEMENTS) == [], page.url


@pytest.mark.parametrize("name", ["alice", "root"])
def test_r23_every_page_is_inert(live_host: Live, page_for: PageFor, name: str) -> None:
    """Names, prompts, errors, outputs, tool results, ids, labels: in pages and in the parts that scripts fetch."""
    page = page_for(name)
    for one in crawl(live_host.app, live_host.session(name), f"{live_host.panel}/agents/", alike=2):
        if one.html:
            page.goto(live_host.url + one.url)
            inert(page)


def test_r23_what_the_address_says_is_inert(live_host: Live, page_for: PageFor) -> None:
    """Search, filters, order and ids come back into the page as text."""
    page = page_for("alice", tolerated=("status of 404", "status of 400"))
    for payload in (PAYLOADS[0], PAYLOADS[5], PAYLOADS[7], NAME):
        values: dict[str, str] = dict.fromkeys(
            ("search", "status", "provider", "model", "sort", "from", "last", "q"), payload
        )
        for slug in ("agents", "activity", "errors", "keys", "credentials", "configurations", "dashboard"):
            page.goto(f"{live_host.url}{live_host.panel}/{slug}/?{urlencode(values)}")
            inert(page)
        for path in ("agents/details/", "agents/edit/", "activity/details/", "playground/"):
            page.goto(f"{live_host.url}{live_host.panel}/{path}?{urlencode({'id': payload, 'agent': payload})}")
            inert(page)


def test_r23_what_scripts_put_into_a_page_is_inert(live_host: Live, page_for: PageFor, agents: Any) -> None:
    """The modal, the question before a deletion, messages, notices, and rows that came while one looked."""
    page = page_for("alice", f"/agents/details/?id={agents['desk']['id']}", tolerated=("422",))
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog", name="Are you sure?")).to_contain_text(NAME)
    inert(page)
    page.goto(f"{live_host.url}{live_host.panel}/agents/?search=onerror")
    page.get_by_role("link", name=f"Edit {NAME}", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Name", exact=True)).to_have_value(NAME)
    dialog.get_by_label("Temperature").fill(NAME)
    dialog.get_by_role("button", name="Save").last.click()
    expect(dialog.locator(".invalid-feedback").first).to_be_visible()
    inert(page)
    dialog.get_by_label("Temperature").fill("1")
    dialog.get_by_role("button", name="Save").last.click()
    expect(page.locator("#toasts")).to_contain_text(NAME)
    inert(page)
    with page.expect_response(lambda answer: "x-aiagents-live" in answer.request.headers):
        make_agent(live_host.clients.alice, f"Late {PAYLOADS[2]}")
    expect(page.get_by_text(f"Late {PAYLOADS[2]}")).to_be_visible()
    inert(page)
