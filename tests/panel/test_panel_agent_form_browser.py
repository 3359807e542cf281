from __future__ import annotations

from typing import TYPE_CHECKING

from support.browser import PageFor
from support.cast import OFFLINE, make_agent
from support.live import Live
from upstream import Upstream, say, status

if TYPE_CHECKING:
    from playwright.sync_api import Page

KEY = "sk-canary-typed-4321"
REFUSED = "the server responded with a status of 422"
"""What chromium says of any form that comes back to be mended."""


def in_modal(page_for: PageFor, *tolerated: str) -> Page:
    page = page_for("alice", tolerated=tolerated)
    page.get_by_role("link", name="New agent").click()
    page.locator("#modal.show [data-begun]").wait_for()
    return page


def unfold(page: Page, title: str) -> None:
    section = page.locator("[data-section]", has=page.locator("summary", has_text=title))
    if section.get_attribute("open") is None:
        section.locator("summary").click()


def test_models_are_found_by_typing_with_the_keyboard_alone(live_host: Live, page_for: PageFor) -> None:
    """The provider's models that contain the text, with size and price; Escape closes the list, not the modal."""
    page = in_modal(page_for)
    page.locator("#provider").select_option("openai")
    model = page.locator("#model")
    assert model.input_value() == ""
    model.press_sequentially("4O-MINI")
    options = page.locator('#modal li[role="option"]')
    assert options.first.inner_text().split("\n")[0] == "gpt-4o-mini"
    assert "reads 128,000 tokens" in options.first.inner_text()
    assert "$0.15 in, $0.60 out a million tokens" in options.first.inner_text()
    model.press("Escape")
    assert page.locator("#modal.show").is_visible()
    assert not options.first.is_visible()
    model.press("ArrowDown")
    model.press("ArrowUp")
    model.press("Escape")
    model.fill("gpt-4o-min")
    model.press("ArrowDown")
    assert model.get_attribute("aria-activedescendant") == options.first.get_attribute("id")
    model.press("Enter")
    assert model.input_value() == "gpt-4o-mini"
    assert "reads 128,000 tokens" in page.locator("#model-help").inner_text()
    assert "1 to 16,384" in page.locator("#max_tokens-help").inner_text()
    model.fill("a model of the house")
    assert page.locator("#model-help").inner_text().startswith("Not in the catalogue")
    page.locator("#provider").select_option("groq")
    assert model.input_value() == "a model of the house"


def test_nothing_typed_is_lost_when_the_form_comes_back(live_host: Live, page_for: PageFor) -> None:
    """The key stays in the browser too, though no answer ever holds it; the first wrong field has the focus."""
    page = in_modal(page_for, REFUSED)
    answers: list[str] = []
    page.on("response", lambda answer: answers.append(answer.text()) if "/new/" in answer.url else None)
    page.locator("#provider").select_option("openai")
    page.locator("#model").fill("gpt-4o-mini")
    page.get_by_label("Temperature").fill("7")
    unfold(page, "Fallbacks")
    page.get_by_role("button", name="Add a fallback").click()
    page.locator("[data-row] select").select_option("groq")
    unfold(page, "API key")
    page.get_by_label("API key", exact=True).fill(KEY)
    page.get_by_role("button", name="Create the agent").click()
    page.locator("#name-error").wait_for()
    page.wait_for_function("document.activeElement.id === 'name'")
    assert page.get_by_label("API key", exact=True).input_value() == KEY
    assert page.get_by_label("Temperature").input_value() == "7"
    assert page.locator("[data-row] select").input_value() == "groq"
    assert "Missing data" in page.locator("[data-row]").inner_text()
    page.get_by_label("Name", exact=True).fill("Order desk")
    page.get_by_label("Temperature").fill("0.7")
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Create the agent").click()
    page.get_by_text("Order desk was saved.").wait_for()
    (agent,) = live_host.clients.alice.get("/api/ai_agents").json
    assert agent["model_config"] == {"provider": "openai", "model": "gpt-4o-mini", "temperature": 0.7}
    assert live_host.clients.alice.get("/api/ai_agent_credentials").json[0]["masked"] == "****4321"
    assert not [answer for answer in answers if KEY in answer]


def test_a_key_is_tested_from_the_open_form(live_host: Live, page_for: PageFor, upstream: Upstream) -> None:
    """The button waits, says how it went, and the form stays as it is."""
    page = in_modal(page_for)
    page.locator("#provider").select_option("openai")
    page.locator("#model").fill("gpt-4o-mini")
    page.get_by_label("Base URL").fill(upstream.base_url)
    unfold(page, "API key")
    page.get_by_label("API key", exact=True).fill(KEY)
    upstream.script(say("OK", delay=0.5), status(401))
    button = page.get_by_role("button", name="Test the key")
    button.click()
    page.get_by_text("Testing…").wait_for()
    assert button.is_disabled()
    page.get_by_text("It works: gpt-4o-mini of openai answered in").wait_for()
    button.click()
    page.get_by_text("The provider refuses this key").wait_for()
    assert button.is_enabled()
    assert page.get_by_label("API key", exact=True).input_value() == KEY
    assert live_host.clients.alice.get("/api/ai_agents").json == []


def test_enter_saves_and_the_list_is_as_it_was(live_host: Live, page_for: PageFor) -> None:
    """Not the test of the key, which is the form's first visible button."""
    agent = make_agent(live_host.clients.alice)
    page = page_for("alice", "/agents/?status=active")
    page.get_by_label("Edit Helper").click()
    page.locator("#modal.show [data-begun]").wait_for()
    page.get_by_label("Name", exact=True).fill("Renamed")
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_text("Renamed was saved.").wait_for()
    assert page.url.endswith("/agents/?status=active")
    assert live_host.clients.alice.get(f"/api/ai_agents/{agent['id']}").json["name"] == "Renamed"
    assert live_host.clients.alice.get("/api/ai_agent_activity_logs?action=eq.test").json == []


def test_fallbacks_are_added_up_to_five_and_removed(live_host: Live, page_for: PageFor) -> None:
    """Rows have labels of their own, keep their order, and blank ones are not sent."""
    rows = [{"provider": "offline", "model": "offline"}, {"provider": "groq", "model": "llama-3.1-8b-instant"}]
    agent = make_agent(live_host.clients.alice, model_config=OFFLINE | {"fallbacks": rows})
    page = page_for("alice", f"/agents/edit/?id={agent['id']}")
    shown = page.locator("[data-row]")
    add = page.get_by_role("button", name="Add a fallback")
    for _ in range(3):
        add.click()
    assert shown.count() == 5
    assert add.is_hidden()
    shown.nth(2).get_by_label("Provider").select_option("ollama")
    shown.nth(2).get_by_role("combobox", name="Model").fill("tiny")
    shown.nth(0).get_by_role("button", name="Remove").click()
    assert add.is_visible()
    page.get_by_role("button", name="Save").last.click()
    page.get_by_role("heading", name="Effective configuration").wait_for()
    after = live_host.clients.alice.get(f"/api/ai_agents/{agent['id']}").json["model_config"]
    assert after["fallbacks"] == [rows[1], {"provider": "ollama", "model": "tiny"}]


def test_a_small_screen_shows_one_section_or_those_to_mend(live_host: Live, page_for: PageFor) -> None:
    """The others are folded until they are wanted, and nothing is cut off."""
    size = {"width": 360, "height": 740}
    page = page_for("alice", "/agents/new/", viewport=size, tolerated=(REFUSED,))
    folded = page.locator("[data-section]:not([open])")
    assert page.locator("[data-section][open]").count() == 1
    folded.filter(has_text="Parameters").locator("summary").click()
    page.get_by_label("Temperature").fill("9")
    page.get_by_label("Name", exact=True).fill("Small")
    page.get_by_role("button", name="Create the agent").click()
    page.locator("#temperature-error").wait_for()
    page.wait_for_function("document.activeElement.id === 'temperature'")
    assert page.locator("[data-section][open]").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_scripts_an_agent_is_made_all_the_same(live_host: Live, page_for: PageFor) -> None:
    """Models come from the browser's own list, fallbacks have a spare row, and messages stand on the page."""
    page = page_for("alice", "/agents/new/", java_script_enabled=False, tolerated=(REFUSED,))
    page.locator("#temperature").fill("9")
    page.get_by_role("button", name="Create the agent").click()
    assert "Give a name" in page.locator("#name-error").inner_text()
    page.locator("#name").fill("Plain")
    page.locator("#temperature").fill("1")
    page.locator("summary", has_text="Fallbacks").click()
    page.locator("[data-row] select").select_option("offline")
    page.locator("[data-row] input").fill("offline")
    page.get_by_role("button", name="Create the agent").click()
    page.get_by_role("heading", name="Plain").wait_for()
    (agent,) = live_host.clients.alice.get("/api/ai_agents").json
    assert agent["model_config"] == OFFLINE | {"temperature": 1, "fallbacks": [OFFLINE]}
