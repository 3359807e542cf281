"""Without scripts the panel is links and forms, and works."""

from __future__ import annotations

from playwright.sync_api import expect
from support.browser import PageFor
from support.cast import make_agent
from support.live import Live

PLAIN = {"java_script_enabled": False, "tolerated": ("status of 422",)}


def test_an_agent_is_made_without_scripts(live_host: Live, page_for: PageFor) -> None:
    """The link opens a page, the form keeps what was typed and says what is wrong, then it is saved."""
    page = page_for("alice", **PLAIN)
    page.get_by_role("link", name="Create the first agent").click()
    page.get_by_label("Description").fill("Plain.")
    page.get_by_role("button", name="Create the agent").click()
    expect(page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Description")).to_have_value("Plain.")
    page.get_by_label("Name", exact=True).fill("Order desk")
    page.get_by_role("button", name="Create the agent").click()
    expect(page.get_by_text("Order desk was saved.")).to_be_visible()
    (agent,) = live_host.clients.alice.get("/api/ai_agents").json
    assert (agent["name"], agent["description"]) == ("Order desk", "Plain.")


def test_a_list_is_filtered_and_acted_on_without_scripts(live_host: Live, page_for: PageFor) -> None:
    """Filters have a button, ticked rows too; the notice comes with the next page."""
    for name in ("One", "Two"):
        make_agent(live_host.clients.alice, name, status="maintenance")
    make_agent(live_host.clients.alice, "Other")
    page = page_for("alice", **PLAIN)
    page.get_by_label("Status").select_option("maintenance")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".aia-name")).to_have_count(2)
    page.get_by_role("checkbox", name="Tick One").check()
    page.get_by_role("button", name="Activate", exact=True).click()
    expect(page.get_by_text("1 agent changed.")).to_be_visible()
    statuses = {agent["name"]: agent["status"] for agent in live_host.clients.alice.get("/api/ai_agents").json}
    assert statuses == {"One": "active", "Two": "maintenance", "Other": "active"}
    assert "status=maintenance" in page.url


def test_keys_and_tenants_without_scripts(live_host: Live, page_for: PageFor) -> None:
    """A key's token is on the page that follows; root picks a tenant on a page."""
    page = page_for("alice", "/keys/new/", **PLAIN)
    page.get_by_label("Name").fill("Till")
    page.get_by_role("button", name="Make the key").click()
    assert page.locator("#new-token").inner_text().startswith("aia_")
    root = page_for("root", **PLAIN)
    make_agent(live_host.clients.charlie, "Adviser")
    root.get_by_role("link", name="Acting for all tenants").click()
    root.get_by_role("button", name="globex").click()
    expect(root.get_by_role("link", name="Acting for globex")).to_be_visible()
