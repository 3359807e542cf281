"""A tenant's admin makes, changes, switches off and deletes agents, in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from support.browser import PageFor
from support.cast import make_agent
from support.live import Live

REFUSED = ("status of 422",)
"""What chromium writes to the console when a form was not accepted."""


def row(page: Page, name: str) -> Locator:
    """An agent's row in the list."""
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def question_of(page: Page) -> Locator:
    """The question before what cannot be undone."""
    return page.get_by_role("dialog", name="Are you sure?")


def agents(host: Live) -> dict[str, Any]:
    """What acme has, by name."""
    return {agent["name"]: agent for agent in host.clients.alice.get("/api/ai_agents").json}


def test_an_agent_is_made_in_the_modal_and_seen_elsewhere(live_host: Live, page_for: PageFor) -> None:
    """From the host's login to the saved agent: what was wrong is told beside its field, nothing typed is lost,
    and a second open window shows the agent without being loaded again."""
    page = page_for(None, "/agents/", tolerated=REFUSED)
    page.get_by_label("User").fill("alice")
    page.get_by_role("button", name="Log in").click()
    second = page_for("alice", "/agents/", hurried=True)
    expect(second.get_by_text("No agents yet")).to_be_visible()
    second.evaluate("window.here = true")

    page.get_by_role("link", name="Create the first agent").click()
    form = dialog(page)
    form.get_by_label("Description").fill("Knows where every parcel is.")
    form.get_by_label("Temperature").fill("hot")
    form.get_by_role("button", name="Create the agent").click()
    name = form.get_by_label("Name", exact=True)
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_accessible_description("Give a name that is not blank.")
    expect(form.get_by_label("Temperature")).to_have_accessible_description(re.compile("number"))
    expect(form.get_by_label("Temperature")).to_have_value("hot")
    expect(form.get_by_label("Description")).to_have_value("Knows where every parcel is.")
    assert agents(live_host) == {}

    name.fill("Order desk")
    form.get_by_label("Temperature").fill("0.5")
    form.get_by_role("button", name="Create the agent").click()
    expect(page.get_by_role("status").get_by_text("Order desk was saved.")).to_be_visible()
    expect(row(page, "Order desk")).to_be_visible()
    made = agents(live_host)["Order desk"]
    assert (made["description"], made["model_config"]["temperature"]) == ("Knows where every parcel is.", 0.5)
    assert made["created_by"] == "alice"

    expect(row(second, "Order desk")).to_be_visible()
    assert second.evaluate("window.here") is True


def test_an_agent_is_edited_in_the_modal(live_host: Live, page_for: PageFor) -> None:
    """The form shows what there is, saves what was changed, and the list is where it was."""
    made = make_agent(live_host.clients.alice, "Order desk", description="Old.", capabilities=["chat"])
    page = page_for("alice", "/agents/?search=desk")
    page.get_by_role("link", name="Edit Order desk").click()
    expect(dialog(page).get_by_label("Description")).to_have_value("Old.")
    dialog(page).get_by_label("Description").fill("New.")
    dialog(page).get_by_label("System prompt").fill("Be brief.")
    dialog(page).get_by_role("button", name="Save").last.click()
    expect(page.get_by_text("Order desk was saved.")).to_be_visible()
    assert page.url.endswith("/agents/?search=desk")
    changed = agents(live_host)["Order desk"]
    assert (changed["description"], changed["model_config"]["system_prompt"]) == ("New.", "Be brief.")
    assert (changed["id"], changed["capabilities"]) == (made["id"], ["chat"])


def test_what_another_saved_meanwhile_is_not_overwritten(live_host: Live, page_for: PageFor) -> None:
    """Who saves second is told, and keeps what was typed."""
    made = make_agent(live_host.clients.alice, "Order desk")
    page = page_for("alice", f"/agents/edit/?id={made['id']}", tolerated=REFUSED)
    live_host.clients.alice.patch(f"/api/ai_agents/{made['id']}", json={"description": "Theirs."})
    page.get_by_label("Description").fill("Mine.")
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_role("alert").first).to_be_visible()
    expect(page.get_by_label("Description")).to_have_value("Mine.")
    assert agents(live_host)["Order desk"]["description"] == "Theirs."


def test_filters_narrow_the_list_and_stay_in_the_address(live_host: Live, page_for: PageFor) -> None:
    """Choosing a status is enough; a search is sent with Enter; Reset shows everything again."""
    for name, status in (("Order desk", "active"), ("Returns desk", "inactive"), ("Writer", "active")):
        make_agent(live_host.clients.alice, name, status=status)
    page = page_for("alice")
    page.get_by_label("Status").select_option("active")
    expect(row(page, "Returns desk")).to_have_count(0)
    expect(row(page, "Writer")).to_be_visible()
    page.get_by_label("Search").fill("desk")
    page.get_by_label("Search").press("Enter")
    expect(row(page, "Writer")).to_have_count(0)
    expect(row(page, "Order desk")).to_be_visible()
    assert page.url.endswith("?search=desk&status=active")
    page.get_by_role("link", name="Reset").click()
    for name in ("Order desk", "Returns desk", "Writer"):
        expect(row(page, name)).to_be_visible()


def test_several_are_switched_off_at_once_after_a_question(live_host: Live, page_for: PageFor) -> None:
    """Nothing happens before the answer; the ticked ones change, the others stay."""
    for name in ("One", "Two", "Three"):
        make_agent(live_host.clients.alice, name)
    page = page_for("alice")
    deactivate = page.get_by_role("button", name="Deactivate")
    expect(deactivate).to_be_disabled()
    for name in ("One", "Two"):
        page.get_by_role("checkbox", name=f"Tick {name}").check()
    deactivate.click()
    question = question_of(page)
    expect(question).to_contain_text("Deactivate the ticked agents?")
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_be_hidden()
    assert {agent["status"] for agent in agents(live_host).values()} == {"active"}
    deactivate.click()
    question.get_by_role("button", name="Yes, do it").click()
    expect(page.get_by_text("2 agents changed.")).to_be_visible()
    statuses = {name: agent["status"] for name, agent in agents(live_host).items()}
    assert statuses == {"One": "inactive", "Two": "inactive", "Three": "active"}


@pytest.mark.parametrize("where", ["list", "page"])
def test_deletion_is_asked_about(live_host: Live, page_for: PageFor, where: str) -> None:
    """Cancel, Escape and a click beside the question delete nothing; Yes does, and its activity stays."""
    made = make_agent(live_host.clients.alice, "Order desk")
    make_agent(live_host.clients.alice, "Other")
    page = page_for("alice", "/agents/" if where == "list" else f"/agents/details/?id={made['id']}")
    if where == "list":
        page.get_by_role("checkbox", name="Tick Order desk").check()
    question = question_of(page)
    for give_up in (
        lambda: question.get_by_role("button", name="Cancel").click(),
        lambda: page.keyboard.press("Escape"),
        lambda: page.mouse.click(5, 400),
    ):
        page.get_by_role("button", name="Delete").click()
        expect(question.get_by_role("button", name="Cancel")).to_be_focused()
        give_up()
        expect(question).to_be_hidden()
        expect(page.get_by_role("button", name="Delete")).to_be_focused()
    assert "Order desk" in agents(live_host)
    page.get_by_role("button", name="Delete").click()
    question.get_by_role("button", name="Yes, do it").click()
    expect(page.get_by_role("status").get_by_text("eleted")).to_be_visible()
    expect(row(page, "Order desk")).to_have_count(0)
    assert agents(live_host).keys() == {"Other"}
    logs = live_host.clients.alice.get("/api/ai_agent_activity_logs?action=eq.delete").json
    assert [log["agent_name"] for log in logs] == ["Order desk"]


def test_the_list_stays_as_the_reader_left_it(live_host: Live, page_for: PageFor) -> None:
    """What changes elsewhere appears by itself; ticks and focus stay."""
    for name in ("One", "Two"):
        make_agent(live_host.clients.alice, name)
    page = page_for("alice", hurried=True)
    tick = page.get_by_role("checkbox", name="Tick One")
    tick.check()
    two = agents(live_host)["Two"]["id"]
    live_host.clients.alice.patch(f"/api/ai_agents/{two}", json={"status": "maintenance"})
    expect(row(page, "Two")).to_contain_text("maintenance", ignore_case=True)
    expect(tick).to_be_checked()
    expect(tick).to_be_focused()
    live_host.clients.alice.delete(f"/api/ai_agents/{two}")
    expect(row(page, "Two")).to_have_count(0)
    expect(tick).to_be_checked()


def test_by_keyboard_alone(live_host: Live, page_for: PageFor) -> None:
    """Skip to the content, open the modal, fill it, save it; Escape closes it and the focus comes back."""
    make_agent(live_host.clients.alice, "First")
    page = page_for("alice")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    new = page.get_by_role("link", name="New agent")
    expect(new).to_be_focused()
    page.keyboard.press("Enter")
    name = dialog(page).get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_hidden()
    expect(new).to_be_focused()
    page.keyboard.press("Enter")
    expect(name).to_be_focused()
    page.keyboard.type("By keys")
    page.keyboard.press("Tab")
    page.keyboard.type("Made without a mouse.")
    for _ in range(60):
        if page.evaluate("document.activeElement.matches('#modal button[data-busy]')"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("By keys was saved.")).to_be_visible()
    assert agents(live_host)["By keys"]["description"] == "Made without a mouse."
